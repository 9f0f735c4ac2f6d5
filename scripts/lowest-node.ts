// Runs the unit tests, and the built packages, on the lowest Node that is supported. The binary comes from the npm registry
// into .cache, since a second package with a `node` binary would take the first one's place in node_modules/.bin.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildPackages } from "./build.ts";
import { ROOT } from "./packages.ts";
import { execute } from "./process.ts";
import { reportFile } from "./vitest-report.ts";

/** The lower end of the packages' `engines`. */
export const LOWEST_NODE = "22.18.0";

async function lowestNode(): Promise<string> {
	const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
	const folder = join(ROOT, ".cache", `node-${LOWEST_NODE}`);
	const binary = join(folder, "node_modules", name, "bin", process.platform === "win32" ? "node.exe" : "node");
	if (!existsSync(binary)) {
		console.log(`getting Node ${LOWEST_NODE} (once)`);
		const { code, output } = await execute([
			"npm",
			"install",
			`--prefix=${folder}`,
			"--no-save",
			"--no-package-lock",
			"--ignore-scripts",
			"--no-audit",
			"--no-fund",
			`${name}@${LOWEST_NODE}`,
		]);
		if (code !== 0) throw new Error(`npm could not install ${name}@${LOWEST_NODE}:\n${output}`);
	}
	const { output } = await execute([binary, "--version"]);
	if (output.trim() !== `v${LOWEST_NODE}`) throw new Error(`${binary} says it is ${output.trim()}, not v${LOWEST_NODE}`);
	return binary;
}

if (import.meta.main) {
	try {
		const node = await lowestNode();
		await buildPackages();
		const smoke = await execute([node, "scripts/smoke-dist.mjs"], { echo: true });
		const tests = await execute(
			[
				node,
				"node_modules/vitest/vitest.mjs",
				"run",
				"--project=unit",
				"--reporter=dot",
				"--reporter=json",
				`--outputFile.json=${reportFile("unit-lowest")}`,
			],
			{ echo: true },
		);
		process.exitCode = smoke.code === 0 && tests.code === 0 ? 0 : 1;
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	}
}
