// Builds the packages named (all of them without names) into their dist folders.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Package, publishedPackages } from "./packages.ts";
import { execute } from "./process.ts";

/** Removes what an earlier build left of sources that are gone, and nothing else: others may be reading dist meanwhile. */
function removeStale({ path }: Package): void {
	const dist = join(path, "dist");
	if (!existsSync(dist)) return;
	for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
		const match = /^(.*?)(\.d\.ts|\.js|\.js\.map)$/.exec(file);
		if (match?.[1] === undefined) continue;
		const isTest = /\.test(-d)?$/.test(match[1]);
		if (isTest || !existsSync(join(path, "src", `${match[1]}.ts`))) rmSync(join(dist, file));
	}
}

async function build(target: Package): Promise<void> {
	const { code, output } = await execute(["tsc", "-p", join(target.path, "tsconfig.json"), "--pretty", "false"]);
	if (code !== 0) throw new Error(`${target.manifest.name} does not build:\n${output}`);
	removeStale(target);
}

export async function buildPackages(names: readonly string[] = []): Promise<void> {
	const wanted = publishedPackages().filter(({ folder }) => names.length === 0 || folder === "core" || names.includes(folder));
	const [core, ...others] = wanted;
	if (core) await build(core);
	await Promise.all(others.map(build));
}

if (import.meta.main) {
	try {
		await buildPackages(process.argv.slice(2));
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	}
}
