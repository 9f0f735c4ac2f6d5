// Forbids imports that cross a package's boundary: core knows no broker client and no sibling, an adapter knows core and its
// client, the conformance kit knows core alone, and nobody reaches for a file that another package does not export.
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { importSource, type Rule } from "./rule.ts";

interface Allowed {
	/** Specifiers of this scope. */
	readonly siblings: readonly string[];
	/** Other packages; undefined: those the package itself depends on. */
	readonly packages?: readonly string[];
}

const CORE: Allowed = { siblings: [], packages: ["eventemitter3", "@standard-schema/spec"] };
const CONFORMANCE: Allowed = {
	siblings: ["@polylog/core", "@polylog/core/driver", "@polylog/core/testing"],
	packages: [],
};
const ADAPTER: Allowed = { siblings: ["@polylog/core", "@polylog/core/driver"] };
/** Tests may also import these; core's never import an adapter. */
const FOR_TESTS = ["vitest", "fast-check", "zod"];
const SIBLINGS_FOR_TESTS = [
	"@polylog/core",
	"@polylog/core/driver",
	"@polylog/core/testing",
	"@polylog/conformance",
	"@polylog/integration",
	"@polylog/integration/conformance",
	"@polylog/integration/vitest",
];

const TEST_FILE = /(\.(test|bench)(-d)?\.ts$)|(^|\/)test\//;

interface Manifest {
	readonly exports?: Readonly<Record<string, unknown>>;
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly peerDependencies?: Readonly<Record<string, string>>;
}

function readManifest(folder: string): Manifest {
	const file = join(folder, "package.json");
	return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : {};
}

function packageName(specifier: string): string {
	return specifier
		.split("/")
		.slice(0, specifier.startsWith("@") ? 2 : 1)
		.join("/");
}

function allowedFor(name: string): Allowed {
	if (name === "core") return CORE;
	return name === "conformance" ? CONFORMANCE : ADAPTER;
}

/** Where a file stands: `packages/core/src/x.ts` is of "core"; integration, examples and scripts are of no package. */
function locate(filename: string): { root: string; folder: string; name?: string; path: string } {
	const parts = filename.split(sep);
	const at = parts.lastIndexOf("packages");
	const name = parts[at + 1];
	if (at === -1 || name === undefined) {
		const root = dirname(
			parts.slice(0, parts.findLastIndex((part) => ["integration", "examples", "scripts"].includes(part)) + 1).join(sep),
		);
		return { root, folder: root, path: filename };
	}
	const folder = parts.slice(0, at + 2).join(sep);
	return { root: parts.slice(0, at).join(sep), folder, name, path: parts.slice(at + 2).join("/") };
}

/** Why `filename` must not import `specifier`, or undefined. */
export function forbiddenImport(filename: string, specifier: string): string | undefined {
	const { root, folder, name, path } = locate(filename);
	if (specifier.startsWith(".")) return forbiddenRelative(folder, name, root, resolve(dirname(filename), specifier));
	if (isBuiltin(specifier)) return specifier.startsWith("node:") ? undefined : `Write "node:${specifier}".`;
	if (specifier.startsWith("@polylog/")) {
		const [, sibling = "", ...rest] = specifier.split("/");
		const subpath = [".", ...rest].join("/");
		const exported = readManifest(join(root, "packages", sibling)).exports;
		if (exported !== undefined && !Object.hasOwn(exported, subpath)) return `"${specifier}" is not exported by @polylog/${sibling}.`;
	}
	if (name === undefined) return undefined;
	return forbiddenPackage(name, TEST_FILE.test(path), specifier, folder);
}

function forbiddenRelative(folder: string, name: string | undefined, root: string, target: string): string | undefined {
	const inPackages = relative(join(root, "packages"), target);
	if (name === undefined) return inPackages.startsWith("..") ? undefined : "Import the package by its name, not its files.";
	return relative(folder, target).startsWith("..") ? `This leaves the package ${name}; import other packages by name.` : undefined;
}

function forbiddenPackage(name: string, isTest: boolean, specifier: string, folder: string): string | undefined {
	const allowed = allowedFor(name);
	const manifest = readManifest(folder);
	const own = [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.peerDependencies ?? {})].filter(
		(dependency) => !dependency.startsWith("@polylog/"),
	);
	const siblings = [...allowed.siblings, ...(isTest ? SIBLINGS_FOR_TESTS : [])];
	const packages = [...(allowed.packages ?? own), ...(isTest ? FOR_TESTS : [])];
	if (specifier.startsWith("@polylog/")) return siblings.includes(specifier) ? undefined : `${name} must not import "${specifier}".`;
	return packages.includes(packageName(specifier)) ? undefined : `${name} must not import the package "${packageName(specifier)}".`;
}

export const importBoundaries: Rule = {
	create(context) {
		const check = (node: object) => {
			const source = importSource(node);
			if (source === undefined) return;
			const reason = forbiddenImport(context.filename, source.value);
			if (reason !== undefined) context.report({ message: `Import boundary: ${reason}`, node: source });
		};
		return {
			ImportDeclaration: check,
			ExportNamedDeclaration: check,
			ExportAllDeclaration: check,
			ImportExpression: check,
			TSImportType: check,
		};
	},
};
