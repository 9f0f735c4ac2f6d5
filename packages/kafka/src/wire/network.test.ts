import { systemClock } from "@polylog/core/testing";
import { describe, expect, it } from "vitest";
import { Network } from "./network.ts";
import type { KafkaWire, WireRequest } from "./wire.ts";

const WHO: WireRequest<number> = { name: "Who", apiKey: 3, version: 0, write: () => {}, read: (from) => from.int32() };

/** Three brokers, by their ports; those that are `silent` take requests and answer none. */
function networkOf(silent: readonly number[] = []): Network {
	const wire: KafkaWire = {
		async open({ port }) {
			const answer = Buffer.alloc(4);
			answer.writeInt32BE(port);
			const never = Promise.withResolvers<Buffer>();
			const request = () => (silent.includes(port) ? never.promise : Promise.resolve(answer));
			return { alive: true, request, destroy: (reason) => never.reject(reason) };
		},
	};
	const seeds = [1, 2, 3].map((port) => ({ host: "kafka", port }));
	const network = new Network(wire, { seeds, requestTimeoutMs: 20 }, systemClock);
	network.learn(seeds.map((address) => [address.port, address] as const));
	return network;
}

async function asked(network: Network, times: number): Promise<number[]> {
	const answers: number[] = [];
	for (let time = 0; time < times; time++) answers.push(await network.ask(WHO));
	return answers;
}

describe("a question that any broker can answer", () => {
	it("goes to another one each time: one that is cut off from the others answers too", async () => {
		expect(new Set(await asked(networkOf(), 3))).toEqual(new Set([1, 2, 3]));
	});

	it("goes on to the next where one does not answer", async () => {
		expect(await asked(networkOf([1, 2]), 3)).toEqual([3, 3, 3]);
		await expect(networkOf([1, 2, 3]).ask(WHO)).rejects.toMatchObject({ code: "TIMEOUT" });
	});

	it("goes to those first that nobody suspects", async () => {
		const network = networkOf();
		network.suspect(2);
		expect(new Set(await asked(network, 6))).toEqual(new Set([1, 3]));
		network.suspect(1);
		network.suspect(3);
		expect(new Set(await asked(network, 3))).toEqual(new Set([1, 2, 3]));
	});
});
