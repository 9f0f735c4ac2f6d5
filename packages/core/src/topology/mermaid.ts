// Pure: a topology as a flowchart that GitHub, editors and mermaid.live draw.
import type { Topology } from "../api/topology.ts";

/** Producer groups on the left, topics in the middle, consumer groups on the right, with rates and lag on the arrows. */
export function topologyMermaid(topology: Topology): string {
	const producers = ids("p", topology.producerGroups, ({ group }) => group ?? "");
	const topics = ids("t", topology.topics, ({ topic }) => topic);
	const consumers = ids("c", topology.consumerGroups, ({ group }) => group);
	return [
		"flowchart LR",
		...[...producers].map(([group, id]) => `\t${id}([${label(group || "no producer group")}])`),
		...topology.topics.map(({ topic, partitions }) => `\t${topics.get(topic)}[(${label(topic, counted(partitions, "partition"))})]`),
		...topology.consumerGroups
			.filter(({ group }, index, all) => all.findIndex((other) => other.group === group) === index)
			.map(({ group, members }) => `\t${consumers.get(group)}[[${label(group, counted(members, "member"))}]]`),
		...topology.producerGroups.map(
			({ group, topic, perSecond }) => `\t${producers.get(group ?? "")} -->|${label(rate(perSecond))}| ${topics.get(topic)}`,
		),
		...topology.consumerGroups.map(
			({ group, topic, perSecond, lag }) =>
				`\t${topics.get(topic)} -->|${label(`${rate(perSecond)}, lag ${lag === undefined ? "unknown" : number(lag)}`)}| ${consumers.get(group)}`,
		),
		"",
	].join("\n");
}

function ids<T>(prefix: string, items: readonly T[], name: (item: T) => string): Map<string, string> {
	return new Map([...new Set(items.map(name))].map((key, index) => [key, `${prefix}${index}`]));
}

/** Names come from the broker: one with a quote or a bracket must not end the label. */
function label(...lines: readonly string[]): string {
	return `"${lines.map((line) => line.replaceAll(/[^\w .,/:-]/g, (character) => `#${character.codePointAt(0)};`)).join("<br/>")}"`;
}

const number = (value: number) => value.toLocaleString("en-US", { maximumFractionDigits: 0 });
const rate = (perSecond: number) => `${number(perSecond)}/s`;
const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
