// A Python with the clients that nobody here wrote, in a folder of the project's own.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const CACHE = fileURLToPath(new URL("../../../.cache/python", import.meta.url));
const run = promisify(execFile);

/** The path of a Python that has these packages, as pip names them with their versions; made at the first call, from PyPI. */
export async function pythonWith(...packages: readonly string[]): Promise<string> {
	const folder = join(CACHE, packages.join("+").replaceAll("=", "-"));
	const python = join(folder, "bin", "python3");
	const done = join(folder, "complete");
	if (existsSync(done)) return python;
	try {
		await rm(folder, { recursive: true, force: true });
		await mkdir(CACHE, { recursive: true });
		await run("python3", ["-m", "venv", folder]);
		await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages], { timeout: 300_000 });
		await mkdir(`${done}.tmp`);
		await rename(`${done}.tmp`, done);
		return python;
	} catch (error) {
		throw new Error(`no Python with ${packages.join(", ")} for the tests: python3 with venv and pip must be there`, { cause: error });
	}
}
