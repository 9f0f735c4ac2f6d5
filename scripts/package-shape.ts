// Builds and packs each published package and judges the tarball: what is in it, how it is declared, how its types resolve.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildPackages } from "./build.ts";
import { type Package, publishedPackages, ROOT } from "./packages.ts";
import { execute } from "./process.ts";

const OUT = join(ROOT, ".cache", `pack-${process.pid}`);
const ALLOWED = /^package\/(dist\/.+\.(js|js\.map|d\.ts)|README\.md|LICENSE|package\.json|CHANGELOG\.md)$/;
const REQUIRED = ["package/README.md", "package/LICENSE", "package/package.json", "package/dist/index.js", "package/dist/index.d.ts"];

async function run(command: string[], cwd = ROOT): Promise<string> {
	const { code, output } = await execute(command, { cwd });
	if (code !== 0) throw new Error(`${command.slice(0, 2).join(" ")} failed:\n${output}`);
	return output;
}

function contentProblems(files: readonly string[]): string[] {
	const unwanted = files.filter((file) => !ALLOWED.test(file) || /\.test(-d)?\./.test(file));
	const missing = REQUIRED.filter((file) => !files.includes(file));
	return [...unwanted.map((file) => `holds ${file}`), ...missing.map((file) => `lacks ${file}`)];
}

async function judge({ path, manifest }: Package): Promise<string[]> {
	// --ignore-scripts: everything is built already; prepack would build it again.
	await run(["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", OUT], path);
	const tarball = join(OUT, `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`);
	const files = (await run(["tar", "-tzf", tarball])).split("\n").filter((line) => line !== "");
	const problems = contentProblems(files);
	for (const command of [
		["publint", "run", tarball, "--strict"],
		["attw", tarball, "--profile", "esm-only", "--format", "ascii", "--no-emoji"],
	]) {
		await run(command).catch((error: unknown) => problems.push(String(error)));
	}
	return problems.map((problem) => `${manifest.name} ${problem}`);
}

try {
	mkdirSync(OUT, { recursive: true });
	await buildPackages();
	const problems = (await Promise.all(publishedPackages().map(judge))).flat();
	for (const problem of problems) console.error(problem);
	process.exitCode = problems.length > 0 ? 1 : 0;
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
} finally {
	rmSync(OUT, { recursive: true, force: true });
}
