/** The options of grep that are not ripgrep's: Commander parses them, grep all others. */
export const OWN_OF_GREP = {
  switches: ["help", "raw"],
  withValue: ["route", "engine", "image", "user", "idle", "label"],
};
