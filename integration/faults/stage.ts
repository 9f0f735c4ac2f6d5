// What a case is given: the broker, roads to it, members and producers, all with names of its own.
import {
	type Broker,
	connect,
	type ConsumerGroup,
	type GroupLag,
	partitionKey,
	type Retention,
	silentLog,
	topic,
	type Topic,
} from "@polylog/core";
import { type HistoryEvent, mergeHistories } from "@polylog/conformance";
import { SeededRandom } from "@polylog/core/testing";
import type { NodePlace } from "../src/brokers/node-network.ts";
import type { SourceMutation } from "../../scripts/source-mutation.ts";
import { localBody, processBody } from "./bodies.ts";
import { Player } from "./player.ts";
import type { Backend, Road, Server } from "./servers.ts";
import type { Item, MemberTask, ProducerTask, Task } from "./task.ts";
import { delay, until } from "./waiting.ts";

/** Short enough to wait for, long enough that a busy machine does not end sessions by itself. */
export const SESSION_MS = 4000;
const HEARTBEAT_MS = SESSION_MS / 3;
/** What a member that dies may cost its partitions: session timeout + two heartbeats + 2 s. */
export const TAKEOVER_MS = SESSION_MS + 2 * HEARTBEAT_MS + 2000;

/** How often the onlooker asks. */
const WATCH_MS = 500;

type Move = "reset" | "policy" | "forgotten";
/** How a process reaches the broker (default: straight), and what source it runs. */
interface Way {
	readonly road?: Road;
	readonly url?: string;
	/** Where it runs. */
	readonly place?: NodePlace;
	/** Breaks its source on purpose, or makes it another version. */
	readonly mutation?: SourceMutation;
}

type MemberChoice = Partial<Omit<MemberTask, "role" | "name" | "config">> & Way;
type ProducerChoice = Partial<Omit<ProducerTask, "role" | "name" | "config">> & Way;

interface StageOptions {
	readonly seed: string;
	readonly smoke: boolean;
	readonly mutation?: SourceMutation | undefined;
}

export class Stage {
	readonly server: Server;
	readonly random: SeededRandom;
	/** Of a smoke run: cases that take minutes are to be shorter. */
	readonly short: boolean;
	/** The topic and the group that members and producers use if not told otherwise. */
	readonly topic: string;
	readonly group: string;
	readonly players: Player[] = [];
	/** What the suite itself knows. */
	readonly events: HistoryEvent[] = [];
	/** What was told of logs that are no more. */
	readonly chapters: HistoryEvent[][] = [];
	/** Messages that somebody else removed from the log. */
	readonly withdrawn = new Set<string>();
	readonly topics: string[] = [];
	readonly groups: string[] = [];
	readonly #brokers: Broker[] = [];
	readonly #roads: Road[] = [];
	readonly #mutation: SourceMutation | undefined;
	readonly #over = new AbortController();

	constructor(server: Server, id: string, { seed, smoke, mutation }: StageOptions) {
		this.short = smoke;
		this.#mutation = mutation;
		this.server = server;
		this.random = new SeededRandom(seed, `${server.backend}/${id}`);
		const stem = `${id.toLowerCase()}-${this.random.name()}`;
		this.topic = `faults-${stem}`;
		this.group = `faults-${stem}`;
		this.topics.push(this.topic);
		this.groups.push(this.group);
	}

	get backend(): Backend {
		return this.server.backend;
	}

	/** A connection of the suite's own, past all proxies; closed at the end. */
	async connect(url = this.server.url): Promise<Broker> {
		const broker = await connect({ url, log: silentLog, clientId: "suite" });
		this.#brokers.push(broker);
		return broker;
	}

	/** Makes the case's topic. */
	async make(partitions = 4, retention?: Retention): Promise<Broker> {
		const broker = await this.connect();
		await broker.topics.create(this.topic, { partitions, ...(retention ? { retention } : {}) });
		void this.#watch(await this.connect());
		return broker;
	}

	/** Asks for the group's place and lag, and takes note of the answer. */
	async observe(broker: Broker): Promise<GroupLag> {
		const asked = Date.now();
		const answer = await this.groupOf(broker).lag();
		for (const { partition, committed, lag } of answer.partitions)
			this.events.push({ kind: "observed", at: Date.now(), asked, partition: partitionKey(partition), committed, lag });
		return answer;
	}

	/** An onlooker, for as long as the case goes on: what it is told, members must have been told before. */
	async #watch(broker: Broker): Promise<void> {
		while (!this.#over.signal.aborted) {
			// A group that nobody has joined yet, or a broker that is away.
			await this.observe(broker).catch(() => {});
			await delay(WATCH_MS);
		}
	}

	async road(): Promise<Road> {
		const road = await this.server.road();
		this.#roads.push(road);
		return road;
	}

	topicOf(name = this.topic): Topic<Item> {
		return topic<Item>(name);
	}

	/** The group as an onlooker sees it. */
	groupOf(broker: Broker, name = this.group): ConsumerGroup<Item> {
		return broker.consumerGroup<Item>(name, { topics: [this.topicOf()], from: "earliest", sessionTimeoutMs: SESSION_MS });
	}

	/** A member that has joined. */
	async member(name: string, choice: MemberChoice = {}): Promise<Player> {
		return await this.startMember(name, choice).ready();
	}

	/** A member that is about to join. */
	startMember(name: string, { road, url, mutation, place, ...choice }: MemberChoice = {}): Player {
		const { topic, group } = this;
		const task = { role: "member", name, config: this.#config(road, url), group, topics: [topic], sessionTimeoutMs: SESSION_MS } as const;
		return this.#start({ ...task, ...choice }, { mutation, place });
	}

	async producer(name = "p", { road, url, mutation, place, ...choice }: ProducerChoice = {}): Promise<Player> {
		const task = { role: "producer", name, config: this.#config(road, url), topic: this.topic } as const;
		return await this.#start({ ...task, ...choice }, { mutation, place }).ready();
	}

	#config(road: Road | undefined, url = road?.url ?? this.server.url): Task["config"] {
		return { url };
	}

	#start(task: Task, { mutation = this.#mutation, place }: Pick<Way, "mutation" | "place"> = {}): Player {
		const player = new Player(task, (events) =>
			this.backend === "memory" ? localBody(task, events) : processBody(task, events, { mutation, place }),
		);
		this.players.push(player);
		return player;
	}

	/** Every partition has exactly one owner among these, and shares differ by one at most. */
	async shared(members: readonly Player[], partitions = 4, ms = 30_000): Promise<void> {
		const balanced = () => {
			const shares = members.map((member) => member.owned());
			const owned = shares.flat();
			const sizes = shares.map((share) => share.length);
			return owned.length === partitions && new Set(owned).size === partitions && Math.max(...sizes) - Math.min(...sizes) <= 1;
		};
		await until(
			balanced,
			() => `${partitions} partitions are shared (${members.map((m) => `${m.name}: ${m.owned().length}`).join(", ")})`,
			ms,
		);
	}

	/** So many different messages have been handled, by whomever. */
	async handled(count: number, ms = 60_000): Promise<void> {
		await until(
			() => this.distinct() >= count,
			() => `${count} messages were handled (${this.distinct()} are)`,
			ms,
		);
	}

	distinct(): number {
		const places = this.players.flatMap(({ events }) =>
			events.flatMap((event) => (event.kind === "finished" ? [`${event.partition}@${event.offset}`] : [])),
		);
		return new Set(places).size;
	}

	/** All that was told, in the order of time. */
	history(): HistoryEvent[] {
		const told = mergeHistories(this.events, ...this.players.map(({ events }) => events));
		return told.filter((event) => event.kind !== "sent" || !this.withdrawn.has(event.id));
	}

	/** From here on it is another log: what was told of the former one is judged by itself. Everybody must have ended. */
	beginChapter(): void {
		const living = this.players.find(({ ended }) => !ended);
		if (living) throw new Error(`${living.name} is still there`);
		this.chapters.push(this.history());
		this.events.length = 0;
		for (const { events } of this.players) events.length = 0;
	}

	/** The group is being moved on purpose. */
	moving(by: Move, partitions?: readonly string[]): void {
		this.events.push({ kind: "moving", at: Date.now(), by, ...(partitions && { partitions }) });
	}

	moved(by: Move, partitions?: readonly string[]): void {
		this.events.push({ kind: "moved", at: Date.now(), by, ...(partitions && { partitions }) });
	}

	heal(): void {
		for (const { proxy } of this.#roads) proxy.heal();
	}

	/** Leaves nothing behind on the broker, whatever happened. */
	async strike(): Promise<void> {
		this.#over.abort();
		for (const player of this.players) if (!player.ended) player.body.signal("SIGKILL");
		for (const road of this.#roads) this.server.release(road);
		await Promise.all(this.#brokers.map((broker) => broker.close({ deadlineMs: 1000 }).catch(() => {})));
		const broker = await connect({ url: this.server.url, log: silentLog });
		for (const name of this.groups)
			await this.groupOf(broker, name)
				.delete()
				.catch(() => {});
		for (const name of this.topics) await broker.topics.delete(name).catch(() => {});
		await broker.close({ deadlineMs: 2000 });
	}
}
