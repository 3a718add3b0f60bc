import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const MIB = 1024;

/** 1 GiB from a container into a pipe, against `cat` of a local file on the same file system. */
export async function bigCat(stage: Stage): Promise<Result[]> {
  const { env, porthole, container, directory } = stage;
  const local = `${directory}/big`;
  run("dd", ["if=/dev/urandom", `of=${local}`, "bs=1M", `count=${MIB}`], env);
  run("docker", ["exec", container.name, "/busybox", "mkdir", "-p", "/data"], env);
  run("docker", ["cp", local, `${container.name}:/data/big`], env);
  const target = `${container.name}:/data/big`;
  const sums = ["cat", porthole].map((how) =>
    run(
      "sh",
      ["-c", how === "cat" ? `cat ${local} | sha256sum` : `node ${porthole} cat ${target} | sha256sum`],
      env,
    ).trim(),
  );
  if (sums[0] !== sums[1]) throw new Error(`the content differs: ${sums.join(" ")}`);
  const piped = (command: string) => timeCommand("sh", ["-c", `${command} | cat > /dev/null`], env);
  return compare(
    [
      { name: "cat local file", run: () => piped(`cat ${local}`) },
      { name: "porthole cat", run: () => piped(`node ${porthole} cat ${target}`) },
      { name: "docker exec cat", run: () => piped(`docker exec ${container.name} /busybox cat /data/big`) },
      { name: "docker cp", run: () => piped(`docker cp ${container.name}:/data/big -`) },
    ],
    5,
  );
}
