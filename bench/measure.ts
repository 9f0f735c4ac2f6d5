// The measurements: both contenders do the same work, one right after the other, and who begins changes with every pair.
import type { Contender, Taking } from "./contender.ts";
import type { Field } from "./field.ts";
import { type Figure, figure, type Metric, type Pair, percentile } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import { now, type Speed, speed } from "./stopwatch.ts";
import { Tally } from "./tally.ts";

type Floors = Field["floors"];

/** One kind of work; gives a value for each of its metrics. */
interface Trial {
	readonly metrics: readonly Metric[];
	run(contender: Contender, topic: string): Promise<readonly number[]>;
}

/** Before latency is taken. */
const ECHO_WARM_UPS = 20;

export async function measure(field: Field, options: BenchOptions, tell: (line: string) => void): Promise<Figure[]> {
	const trials = trialsOf(options.quick ? { produce: undefined, consume: undefined } : field.floors, options);
	const pairs = new Map<Metric, Pair[]>(trials.flatMap(({ metrics }) => metrics).map((metric) => [metric, []]));
	for (let round = -options.warmUps; round < options.pairs; round++) {
		const topic = `bench-${process.pid}-${round + options.warmUps}`;
		const sides = ["polylog", "raw"] as const;
		for (const side of sides) await field[side].create(`${side}-${topic}`);
		for (const trial of trials) {
			const values = { polylog: [] as readonly number[], raw: [] as readonly number[] };
			for (const side of round % 2 === 0 ? sides : sides.toReversed()) values[side] = await trial.run(field[side], `${side}-${topic}`);
			for (const [at, metric] of trial.metrics.entries()) {
				const pair = { polylog: values.polylog[at] ?? Number.NaN, raw: values.raw[at] ?? Number.NaN };
				tell(`${round < 0 ? "warm-up" : `pair ${round + 1}`}: ${metric.name} ${pair.polylog.toPrecision(4)} to ${pair.raw.toPrecision(4)}`);
				if (round >= 0) pairs.get(metric)?.push(pair);
			}
		}
		for (const side of sides) await field[side].remove(`${side}-${topic}`);
	}
	return [...pairs].map(([metric, values]) => figure(metric, values));
}

function trialsOf(floors: Floors, { messages, echoes }: BenchOptions): Trial[] {
	return [
		{ metrics: speedMetrics("produce", floors.produce), run: async (contender, topic) => flat(await produced(contender, topic, messages)) },
		{
			metrics: speedMetrics("run, one by one", floors.consume),
			run: async (contender, topic) => flat(await consumed(contender, topic, "messages", messages)),
		},
		{
			metrics: speedMetrics("runBatches", floors.consume),
			run: async (contender, topic) => flat(await consumed(contender, topic, "batches", messages)),
		},
		{
			metrics: [0.5, 0.99].map((fraction) => ({ name: `send to handler, p${fraction * 100}`, unit: "ms", floor: undefined })),
			async run(contender, topic) {
				const times = await latencies(contender, `${topic}-echo`, echoes);
				return [percentile(times, 0.5), percentile(times, 0.99)];
			},
		},
	];
}

function speedMetrics(name: string, floor: number | undefined): Metric[] {
	return [
		{ name, unit: "msgs/s", floor },
		{ name: `${name}, processor`, unit: "µs", floor: undefined },
	];
}

function flat({ perSecond, cpuMicros }: Speed): number[] {
	return [perSecond, cpuMicros];
}

async function produced(contender: Contender, topic: string, messages: number): Promise<Speed> {
	const start = now();
	await contender.produce(topic, messages);
	return speed(messages, start, now());
}

async function consumed(contender: Contender, topic: string, taking: Taking, messages: number): Promise<Speed> {
	const tally = new Tally(messages, now);
	await contender.consume(topic, taking, tally);
	return tally.speed();
}

/** From the call of `send` to the handler, one message at a time, in ms. */
async function latencies(contender: Contender, topic: string, echoes: number): Promise<number[]> {
	await contender.create(topic);
	let arrived = Promise.withResolvers<number>();
	const times: number[] = [];
	{
		await using echo = await contender.echo(topic, () => arrived.resolve(performance.now()));
		for (let at = 0; at < echoes + ECHO_WARM_UPS; at++) {
			arrived = Promise.withResolvers();
			const start = performance.now();
			const [end] = await Promise.all([arrived.promise, echo.send(at)]);
			if (at >= ECHO_WARM_UPS) times.push(end - start);
		}
	}
	await contender.remove(topic);
	return times;
}
