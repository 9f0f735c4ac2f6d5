// What the rules share: the type of an oxlint rule, which oxlint exports only through its rule tester, and import sources.
import type { RuleTester } from "oxlint/plugins-dev";

type AnyRule = Parameters<RuleTester["run"]>[1];

export type Rule = Extract<AnyRule, { create: unknown }>;
export type RuleContext = Parameters<Rule["create"]>[0];

interface Source {
	readonly value: string;
	range: [number, number];
}

function isSource(node: unknown): node is Source {
	return typeof node === "object" && node !== null && "value" in node && typeof node.value === "string";
}

/** The literal that an import, export or `import()` names its module with; undefined if it is computed or absent. */
export function importSource(node: object): Source | undefined {
	return "source" in node && isSource(node.source) ? node.source : undefined;
}
