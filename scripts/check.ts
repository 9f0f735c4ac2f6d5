// `npm run check`: everything that needs no broker. Names as arguments run only those steps.
import { availableParallelism } from "node:os";
import { execute } from "./process.ts";
import { reportFile } from "./vitest-report.ts";

interface Step {
	readonly name: string;
	readonly command: readonly string[];
	readonly remedy?: string;
}

const node = process.execPath;

/** Longest first; none depends on another. */
const STEPS: readonly Step[] = [
	{
		name: "unit",
		command: ["vitest", "run", "--project", "unit", "--reporter=default", "--reporter=json", `--outputFile.json=${reportFile("unit")}`],
	},
	{ name: "shape", command: [node, "scripts/package-shape.ts"] },
	{ name: "types", command: ["tsc", "-p", "tsconfig.json"] },
	{ name: "unused", command: ["knip", "--no-config-hints"] },
	{ name: "lint", command: ["oxlint"], remedy: "npm run fix" },
	{ name: "format", command: ["oxfmt", "--check"], remedy: "npm run fix" },
	{ name: "docs", command: [node, "scripts/generate-errors.ts", "--check"], remedy: "npm run generate" },
	{
		name: "reports",
		command: [node, "--conditions=@polylog/source", "scripts/generate-guarantees.ts", "--check"],
		remedy: "npm run generate",
	},
	{ name: "readme", command: [node, "scripts/generate-readme.ts", "--check"], remedy: "npm run generate" },
];

const started = performance.now();
const running = new Set<string>();
const failures: { step: Step; output: string }[] = [];

async function runStep(step: Step): Promise<void> {
	running.add(step.name);
	const { code, output, seconds } = await execute(step.command);
	running.delete(step.name);
	console.log(`${code === 0 ? "ok  " : "FAIL"} ${step.name.padEnd(8)} ${seconds.toFixed(1).padStart(5)} s`);
	if (code !== 0) failures.push({ step, output });
}

async function runAll(steps: readonly Step[]): Promise<void> {
	const waiting = [...steps];
	const lane = async () => {
		for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) await runStep(step);
	};
	const progress = setInterval(() => console.log(`...  running: ${[...running].join(", ")}`), 15_000);
	await Promise.all(Array.from({ length: Math.max(2, Math.min(4, availableParallelism())) }, lane));
	clearInterval(progress);
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0)
	throw new RangeError(`No such step: ${unknown.join(", ")}. There are: ${STEPS.map((step) => step.name).join(", ")}.`);

await runAll(names.length === 0 ? STEPS : STEPS.filter((step) => names.includes(step.name)));

for (const { step, output } of failures) {
	console.log(`\n==== ${step.name}: ${step.command.join(" ")}\n${output.trimEnd()}`);
	if (step.remedy !== undefined) console.log(`(\`${step.remedy}\` corrects most of this.)`);
}
const total = ((performance.now() - started) / 1000).toFixed(1);
console.log(
	failures.length === 0
		? `\ncheck passed in ${total} s`
		: `\ncheck FAILED in ${total} s: ${failures.map(({ step }) => step.name).join(", ")}`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
