// npm run bench -- --broker NAME: the library against the broker's raw client. See options.ts for the rest.
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { openField } from "./field.ts";
import { measure } from "./measure.ts";
import { type BenchOptions, readOptions, USAGE } from "./options.ts";
import { section, table, withSection } from "./report.ts";

const RESULTS = new URL("RESULTS.md", import.meta.url);

const args = process.argv.slice(2);
const options = optionsOrExit();
const load = [loadavg()[0] ?? 0];
await using field = await openField(options.broker, options.url);
const figures = await measure(field, options, (line) => console.log(line));
load.push(loadavg()[0] ?? 0);
console.log(`\n${options.broker}: ${size(options)}; ${machine()}\n${field.versions.join("\n")}\n\n${table(figures)}\n`);
if (options.quick) console.log("A quick run: floors are not judged.");
else if (figures.some(({ passed }) => passed === false)) process.exitCode = 1;
if (options.write) {
	const circumstances = {
		broker: options.broker,
		command: `npm run bench -- ${args.join(" ")}`,
		versions: field.versions,
		date: new Date().toISOString().slice(0, 10),
		machine: machine(),
		size: size(options),
	};
	await writeFile(RESULTS, withSection(await readFile(RESULTS, "utf8"), options.broker, section(circumstances, figures)));
	console.log("written to bench/RESULTS.md");
}

function optionsOrExit(): BenchOptions {
	try {
		return readOptions(args);
	} catch (error) {
		console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
		process.exit(2);
	}
}

function size({ messages, pairs, echoes }: BenchOptions): string {
	return `${messages.toLocaleString("en")} messages of 200 B in 4 partitions, ${echoes} one at a time, ${pairs} pairs: median (least – most)`;
}

function machine(): string {
	const [before, after] = load.map((value) => value.toFixed(1));
	return `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown CPU"}, load average ${before} before and ${after} after`;
}
