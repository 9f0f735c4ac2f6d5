// Clusters under test: nodes on one machine, each on a network of its own, so that they can be cut from their peers.
import type { RunningBroker } from "../src/brokers/broker.ts";
import type { NodeNetwork, NodePlace } from "../src/brokers/node-network.ts";

export type Node = RunningBroker;

export interface Cluster {
	/** Those that can be killed, frozen and cut; on Redis the masters as they began, then the replicas. */
	readonly nodes: readonly Node[];
	/** Of the group's journal, on Kafka its coordinator; as the others see it if one is named that is not to be asked. */
	leaderOfGroup(group: string, except?: Node): Promise<Node>;
	leaderOfPartition(topic: string, index: number, except?: Node): Promise<Node>;
	/** All nodes serve, and replicas have what leaders have. */
	settled(): Promise<void>;
	/** What an operator has to do for a node that was away and does not recover by itself; says what it was. */
	mend?(node: Node): Promise<string | undefined>;
	/** Cuts the node from its peers, both ways and without a word; clients reach it still, unless they are to be on the other side too. */
	cut(node: Node, options?: { readonly clientsToo: boolean }): Promise<void>;
	heal(): Promise<void>;
	/** Where a process is to run that shares the node's fate when the network is cut. */
	placeOf(node: Node): NodePlace;
}

/** What the network does to a cluster whose nodes are on it. */
export function networked({ places, cut, heal }: NodeNetwork): Pick<Cluster, "cut" | "heal" | "placeOf"> {
	const placeOf = ({ host }: Node) => {
		const place = places.find(({ address }) => address === host);
		if (!place) throw new Error(`no node is at ${host}`);
		return place;
	};
	return { cut: (node, options) => cut(placeOf(node), options), heal, placeOf };
}

/** The same servers, this one named first: a client that asks one after the other begins with it. */
export function urlFrom(url: string, first: number): string {
	const [, scheme = "", hosts = "", rest = ""] = /^([^:]+:\/\/)([^/?]+)(.*)$/.exec(url) ?? [];
	const all = hosts.split(",");
	const at = first % all.length;
	return `${scheme}${[...all.slice(at), ...all.slice(0, at)].join(",")}${rest}`;
}
