import { afterAll } from "vitest";
import { cleanUp } from "./cleanup.ts";
import { setEnvironment } from "./environment.ts";

// vitest runs this before each test file, also if one process runs several of them.
setEnvironment();
afterAll(cleanUp);
