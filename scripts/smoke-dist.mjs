// Imports every published entry as built (dist, not source). JavaScript, so that it runs without type stripping.
import { readdirSync, readFileSync } from "node:fs";

const packages = new URL("../packages/", import.meta.url);

for (const folder of readdirSync(packages)) {
	const { name, exports } = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
	for (const [subpath, target] of Object.entries(exports)) {
		// The kit registers tests when it is loaded in vitest; elsewhere its imports cannot be resolved to a running suite.
		if (typeof target === "string") continue;
		const specifier = name + subpath.slice(1);
		const resolved = import.meta.resolve(specifier);
		if (!resolved.endsWith(target.default.slice(1))) throw new Error(`${specifier} resolves to ${resolved}, not to its build`);
		await import(specifier);
		console.log(`${process.version} imports ${specifier}`);
	}
}
