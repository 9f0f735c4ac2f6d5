// Forbids time, timers and randomness taken from the environment, however they are spelt: whatever decides by them is
// given a Clock or a Random. Built-in rules see neither `new Date()` nor `const { now } = Date`.
import { importSource, type Rule, type RuleContext } from "./rule.ts";

type Use = RuleContext["sourceCode"]["scopeManager"]["scopes"][number]["references"][number]["identifier"];

/** Never used by name. */
const FORBIDDEN = new Set(["setTimeout", "setInterval", "setImmediate", "performance", "crypto"]);
/** Used only through the members listed, so that none of the others can be taken out of them unseen. */
const ONLY_MEMBERS: Readonly<Record<string, (member: string) => boolean>> = {
	Date: (member) => ["UTC", "parse", "prototype"].includes(member),
	Math: (member) => member !== "random",
	AbortSignal: (member) => member !== "timeout",
	process: (member) => !["hrtime", "uptime"].includes(member),
	globalThis: (member) => !FORBIDDEN.has(member) && !(member in ONLY_MEMBERS),
	global: (member) => !FORBIDDEN.has(member) && !(member in ONLY_MEMBERS),
};
const FORBIDDEN_MODULES = new Set(["timers", "timers/promises", "perf_hooks"]);
const FORBIDDEN_CRYPTO = /^(random|getRandomValues|webcrypto|generate|default$)/;

const MESSAGE = "time, timers and randomness come only through Clock and Random (packages/core/src/clock.ts)";

/** Parents under which a name is a type, and takes nothing at run time. */
const TYPE_PARENTS = new Set(["TSTypeReference", "TSTypeQuery", "TSQualifiedName", "TSInterfaceHeritage", "TSClassImplements"]);

/** Whether this use of a guarded global takes nothing forbidden out of it. */
function isHarmless({ name, parent, range }: Use): boolean {
	const isNode = (other: { range: readonly [number, number] }) => other.range[0] === range[0] && other.range[1] === range[1];
	if (parent.type === "BinaryExpression") return parent.operator === "instanceof" && isNode(parent.right);
	if (parent.type === "NewExpression" && isNode(parent.callee)) return name === "Date" && parent.arguments.length > 0;
	if (parent.type !== "MemberExpression" || !isNode(parent.object) || parent.computed) return false;
	return ONLY_MEMBERS[name]?.(parent.property.name) ?? false;
}

function isForbidden(use: Use): boolean {
	if (TYPE_PARENTS.has(use.parent.type)) return false;
	return FORBIDDEN.has(use.name) || (Object.hasOwn(ONLY_MEMBERS, use.name) && !isHarmless(use));
}

function globalUses(context: RuleContext): Use[] {
	const scope = context.sourceCode.scopeManager.globalScope;
	if (scope === null) return [];
	const implicit = scope.variables.filter((variable) => variable.defs.length === 0).flatMap((variable) => variable.references);
	return [...new Set([...scope.through, ...implicit])].map((reference) => reference.identifier);
}

export const clockOnly: Rule = {
	create(context) {
		const forbid = (what: string, node: { range: [number, number] }) =>
			context.report({ message: `${what} is forbidden: ${MESSAGE}.`, node });
		const checkModule = (node: object) => {
			const source = importSource(node);
			if (source !== undefined && FORBIDDEN_MODULES.has(source.value.replace(/^node:/, ""))) forbid(`"${source.value}"`, source);
		};
		return {
			"Program:exit"() {
				for (const use of globalUses(context)) if (isForbidden(use)) forbid(`This use of "${use.name}"`, use);
			},
			ImportDeclaration(node) {
				checkModule(node);
				if (node.source.value.replace(/^node:/, "") !== "crypto" || node.importKind === "type") return;
				for (const specifier of node.specifiers) {
					const name = specifier.type === "ImportSpecifier" && "name" in specifier.imported ? specifier.imported.name : "default";
					if (FORBIDDEN_CRYPTO.test(name)) forbid(`"${name}" of node:crypto`, specifier);
				}
			},
			ExportNamedDeclaration: checkModule,
			ExportAllDeclaration: checkModule,
			ImportExpression: checkModule,
		};
	},
};
