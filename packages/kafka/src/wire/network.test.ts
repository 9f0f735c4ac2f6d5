import { systemClock } from "@polylog/core/testing";
import { describe, expect, it } from "vitest";
import { Network } from "./network.ts";
import type { KafkaWire, WireRequest } from "./wire.ts";

const WHO: WireRequest<number> = { name: "Who", apiKey: 3, version: 0, write: () => {}, read: (from) => from.int32() };

/** Brokers, by their ports; those that are `silent` take requests and answer none. */
function networkOf(silent: readonly number[] = [], size = 3): Network {
	const wire: KafkaWire = {
		async open({ port }) {
			const answer = Buffer.alloc(4);
			answer.writeInt32BE(port);
			const never = Promise.withResolvers<Buffer>();
			const request = () => (silent.includes(port) ? never.promise : Promise.resolve(answer));
			return { alive: true, request, destroy: (reason) => never.reject(reason) };
		},
	};
	const seeds = Array.from({ length: size }, (_, at) => ({ host: "kafka", port: at + 1 }));
	const network = new Network(wire, { seeds, requestTimeoutMs: 20 }, systemClock);
	network.learn(seeds.map((address) => [address.port, address] as const));
	return network;
}

async function asked(network: Network, times: number): Promise<(readonly number[])[]> {
	const answers: (readonly number[])[] = [];
	for (let time = 0; time < times; time++) answers.push(await network.ask(WHO));
	return answers;
}

describe("a question that any broker can answer", () => {
	it("is answered by two of them at least: one that is cut off from the others answers too", async () => {
		const answers = await asked(networkOf(), 3);
		expect(answers.every(({ length }) => length >= 2)).toBe(true);
		expect(new Set(answers.flat())).toEqual(new Set([1, 2, 3]));
	});

	it("waits for nobody who is not needed, and is content with one answer where no other comes", async () => {
		expect(await asked(networkOf([1, 2]), 3)).toEqual([[3], [3], [3]]);
		expect((await asked(networkOf([2]), 3)).map((two) => new Set(two))).toEqual(Array.from({ length: 3 }, () => new Set([1, 3])));
		await expect(networkOf([1, 2, 3]).ask(WHO)).rejects.toMatchObject({ code: "TIMEOUT" });
	});

	it("does not believe those first that somebody suspects", async () => {
		const network = networkOf([], 4);
		network.suspect(2);
		expect((await asked(network, 8)).flat()).not.toContain(2);
	});
});
