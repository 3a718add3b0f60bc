const settings = `
  LANGUAGE NO_COLOR LS_COLORS GREP_COLORS GREP_COLOR LESS LESSOPEN LESSKEY VISUAL EDITOR PAGER MANPAGER MANOPT
  POSIXLY_CORRECT QUOTING_STYLE TIME_STYLE BLOCK_SIZE BLOCKSIZE LS_BLOCK_SIZE COLUMNS LINES RIPGREP_CONFIG_PATH
  DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG CONTAINER_HOST CONTAINERS_CONF XDG_CONFIG_HOME XDG_STATE_HOME
  BASH_ENV ENV CDPATH GLOBIGNORE TMUX TMUX_TMPDIR PORTHOLE_IDLE PORTHOLE_DEBUG
`;

/**
 * Removes differences between machines and users, for the tests and their processes: the zone of
 * local times, the locale of other programs, the modes of new files, and settings of other tools.
 * Called before the engines start and before each test file.
 */
export function setEnvironment(): void {
  process.umask(0o022);
  process.env.TZ = "UTC";
  process.env.LC_ALL = "C.UTF-8";
  for (const name of settings.trim().split(/\s+/)) delete process.env[name];
}
