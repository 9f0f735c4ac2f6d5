// The published packages, in build order: core's declarations are what the others are compiled against.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "..");

export interface Package {
	/** The folder's name: "core". */
	readonly folder: string;
	readonly path: string;
	readonly manifest: { readonly name: string; readonly version: string; readonly exports: Readonly<Record<string, unknown>> };
}

export function publishedPackages(): Package[] {
	const folders = readdirSync(join(ROOT, "packages")).toSorted((a, b) => Number(b === "core") - Number(a === "core") || a.localeCompare(b));
	return folders.map((folder) => {
		const path = join(ROOT, "packages", folder);
		return { folder, path, manifest: JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Package["manifest"] };
	});
}
