// `npm run example:cleaning`: two feeds of dirty movies in, clean ones and rejected ones out; one member is killed in the middle.
import { Crew, type Worker } from "../crew/crew.ts";
import { removeAll } from "../crew/leftovers.ts";
import { rowsStored } from "../crew/resume.ts";
import { sendAll } from "../crew/send-all.ts";
import { main, type Stage } from "../crew/stage.ts";
import { untilProcessed } from "../crew/watch.ts";
import { work } from "./cleaner.ts";
import { archiveFeed, partnerFeed, toMessages } from "./feeds.ts";
import type { RawMovie } from "./movie.ts";
import { reportLines } from "./quality.ts";
import { type Results, resultsInOnePass, resultsOf, writeResults } from "./results.ts";
import { cleaners, cleanMovies, mergers, parsedMovies, rawMovies, rejectedMovies } from "./topics.ts";

const worker: Worker = { work, url: import.meta.resolve("./cleaner.ts") };
const BATCH = 25;
const KILL_AT = 0.4;

await main({
	name: "cleaning",
	about: "cleaning: movies.json and a partner's feed through a consumer group that cleans, and one that finds duplicates",
	numbers: { members: { default: 3, about: "members of the group, one of which is killed" } },
	run: cleaning,
});

async function cleaning(stage: Stage): Promise<boolean> {
	const { broker, url, run, processes, screen, signal, out } = stage;
	const topics = [rawMovies(run), parsedMovies(run), cleanMovies(run), rejectedMovies(run)];
	for (const topic of topics) await broker.topics.ensure(topic);
	const archive = await archiveFeed();
	const rows = [...archive, ...partnerFeed(archive)];
	screen.say(
		`${rows.length} rows, ${stage.numbers["members"]} members ${processes ? "as processes" : "in this process"}, on ${broker.name}`,
	);
	{
		await using crew = new Crew({ url, run, processes, worker, batch: BATCH });
		const stopped = AbortSignal.any([signal, crew.trouble]);
		const names = Array.from({ length: stage.numbers["members"] ?? 0 }, (_, index) => String.fromCodePoint(97 + index));
		await Promise.all(names.map((name) => crew.hire(name)));
		await send(stage, rows);
		let killed = names.length < 2;
		await untilProcessed(cleaners(broker, run), {
			screen,
			signal: stopped,
			total: rows.length,
			onLook: async ({ processed }) => {
				if (killed || processed < KILL_AT * rows.length) return;
				killed = true;
				screen.tell("member b is killed");
				await crew.kill("b");
			},
		});
		await untilProcessed(mergers(broker, run), { screen, signal: stopped });
	}
	const results = await resultsOf(broker, run);
	await writeResults(out, results);
	for (const line of reportLines(results.report)) screen.say(line);
	screen.say(`clean.ndjson, rejected.ndjson and quality.json are in ${out}`);
	await removeAll(broker, { groups: [`${run}-cleaners`, `${run}-mergers`], topics: topics.map(({ name }) => name) });
	return verdict(stage, results, resultsInOnePass(rows));
}

/** Both feeds at full speed: two members of one producer group. The partner's comes after the archive's. */
async function send({ broker, run, screen, signal }: Stage, rows: readonly RawMovie[]): Promise<void> {
	const stored = await rowsStored(broker, rawMovies(run), ({ id }) => rows.findIndex((row) => row.id === id));
	if (stored > 0) screen.say(`going on at row ${stored}`);
	for (const feed of ["archive", "partner"]) {
		await using member = broker.producerGroup(`${run}-feeds`, { memberId: feed });
		const left = rows.slice(stored).filter(({ id }) => id.startsWith(feed));
		await sendAll(member.producer(rawMovies(run)), toMessages(left), signal);
	}
}

function verdict({ screen }: Stage, results: Results, expected: Results): boolean {
	const same = results.clean === expected.clean && results.rejected === expected.rejected;
	const text = "what came out is what one pass over the rows makes of them, byte for byte";
	screen.say(`${same ? "ok    " : "FAILED"} ${text}`);
	return same;
}
