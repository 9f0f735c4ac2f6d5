import type { Assignor, Partition } from "@polylog/core/driver";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, type Subscription } from "./consumer-protocol.ts";
import { plan } from "./plan.ts";
import { protocolNames } from "./protocols.ts";

const at = (index: number, topic = "t"): Partition => ({ topic, index });
const subscription = (more: Partial<Subscription> = {}): Subscription => ({
	topics: ["t"],
	owned: [],
	generation: -1,
	since: undefined,
	excluded: [],
	...more,
});

/** Deals the partitions out in the order of the members. */
const dealing: Assignor = {
	name: "dealing",
	assign: (request) => {
		const { members, topics } = request;
		const shares = new Map(members.map(({ id }) => [id, [] as Partition[]]));
		for (const [topic, count] of topics) {
			for (let index = 0; index < count; index++) {
				const takers = members.filter(({ id }) => !request.excluded(id, at(index, topic)));
				shares.get(takers[index % takers.length]?.id ?? "")?.push(at(index, topic));
			}
		}
		return shares;
	},
};
const base = { counts: new Map([["t", 4]]), assignor: dealing, cooperative: true };

describe("the leader's plan", () => {
	it("gives free partitions at once", () => {
		const shares = plan({ ...base, members: [{ id: "a", subscription: subscription() }] });
		expect(shares.get("a")).toEqual([at(0), at(1), at(2), at(3)]);
	});

	it("gives a partition that moves to nobody before its owner has let go of it", () => {
		const members = [
			{ id: "a", subscription: subscription({ owned: [at(0), at(1), at(2), at(3)], generation: 1, since: 1 }) },
			{ id: "b", subscription: subscription() },
		];
		const shares = plan({ ...base, members });
		expect(shares.get("a")).toEqual([at(0), at(2)]);
		expect(shares.get("b")).toEqual([]);
		expect(plan({ ...base, members, cooperative: false }).get("b")).toEqual([at(1), at(3)]);
	});

	it("believes the later generation of two that claim a partition, and neither of the same one", () => {
		const seen: Partition[][] = [];
		const noting: Assignor = {
			name: "noting",
			assign: (request) => (seen.push(request.members.map(({ owned }) => owned).flat()), new Map()),
		};
		const claim = (id: string, generation: number) => ({ id, subscription: subscription({ owned: [at(0)], generation }) });
		plan({ ...base, assignor: noting, members: [claim("a", 3), claim("b", 4)] });
		plan({ ...base, assignor: noting, members: [claim("a", 4), claim("b", 4)] });
		expect(seen).toEqual([[at(0)], []]);
	});

	it("shows the assignor the members in the order of joining, those that do not tell last", () => {
		let order: string[] = [];
		const noting: Assignor = { name: "noting", assign: ({ members }) => ((order = members.map(({ id }) => id)), new Map()) };
		const member = (id: string, since?: number) => ({ id, subscription: subscription({ since }) });
		plan({ ...base, assignor: noting, members: [member("z"), member("c", 2), member("b"), member("d", 1)] });
		expect(order).toEqual(["d", "c", "b", "z"]);
	});

	it("does not give a partition back to a member whose old handler still runs", () => {
		const shares = plan({ ...base, members: [{ id: "a", subscription: subscription({ excluded: [at(2)] }) }] });
		expect(shares.get("a")).toEqual([at(0), at(1), at(3)]);
	});

	it("leaves out what an assignor gives twice, or what does not exist", () => {
		const careless: Assignor = {
			name: "careless",
			assign: ({ members }) => new Map(members.map(({ id }) => [id, [at(0), at(9), at(0, "gone")]])),
		};
		const shares = plan({ ...base, assignor: careless, members: ["a", "b"].map((id) => ({ id, subscription: subscription() })) });
		expect([...shares.values()]).toEqual([[at(0)], []]);
	});
});

describe("Kafka's consumer protocol", () => {
	const partitions = fc.uniqueArray(fc.record({ topic: fc.constantFrom("a", "b.c"), index: fc.nat(50) }), {
		selector: ({ topic, index }) => `${topic}/${index}`,
	});

	it("reads back what it wrote", () => {
		fc.assert(
			fc.property(
				partitions,
				partitions,
				fc.integer({ min: -1, max: 1e9 }),
				fc.option(fc.nat(), { nil: undefined }),
				(owned, excluded, generation, since) => {
					const read = decodeSubscription(encodeSubscription({ topics: ["a", "b.c"], owned, generation, since, excluded }));
					expect(read).toMatchObject({ topics: ["a", "b.c"], generation, since });
					expect(new Set(read.owned)).toEqual(new Set(owned));
					expect(read.excluded).toEqual(excluded);
					expect(new Set(decodeAssignment(encodeAssignment(owned)))).toEqual(new Set(owned));
				},
			),
		);
	});

	it("understands members that say less", () => {
		// Version 0: one topic, no user data.
		expect(decodeSubscription(Buffer.from("00000000000100017400000000", "hex"))).toEqual({
			topics: ["t"],
			owned: [],
			generation: -1,
			since: undefined,
			excluded: [],
		});
		expect(decodeAssignment(Buffer.alloc(0))).toEqual([]);
	});
});

describe("protocol names", () => {
	it("are Java's for the default, and of our own for an application's assignor", () => {
		expect(protocolNames({ ...dealing, name: "sticky" }, "cooperative")).toEqual(["cooperative-sticky"]);
		expect(protocolNames(dealing, "cooperative")).toEqual(["polylog-cooperative-dealing"]);
		expect(protocolNames(dealing, "eager")).toEqual(["polylog-eager-dealing", "range", "roundrobin", "RoundRobinAssigner"]);
	});
});
