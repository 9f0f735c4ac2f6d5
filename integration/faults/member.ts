// A member that handles, and tells its history.
import { type Broker, deadLetter, type Member, type Message, type Partition, partitionKey, topic } from "@polylog/core";
import { isPolylogError } from "@polylog/core/driver";
import type { HistoryEvent } from "@polylog/conformance";
import { setTimeout as delay } from "node:timers/promises";
import type { Play, Tell } from "./play.ts";
import type { Command, Item, MemberTask } from "./task.ts";

/** With that of its cause, if it has one: "TIMEOUT (BACKPRESSURE)". */
export function codeOf(error: unknown): string {
	if (!isPolylogError(error)) return String(error);
	return isPolylogError(error.cause) ? `${error.code} (${error.cause.code})` : error.code;
}

export async function playMember(broker: Broker, task: MemberTask, tell: Tell): Promise<Play> {
	const player = new HandlingMember(task, tell);
	if (task.churnMs !== undefined) return churning(broker, task, player, task.churnMs);
	const member = await join(broker, task, player);
	return { done: player.work(member), take: (command) => player.take(command, member) };
}

async function join(broker: Broker, task: MemberTask, player: HandlingMember): Promise<Member<Item>> {
	const group = broker.consumerGroup<Item>(task.group, {
		topics: task.topics.map((name) => topic<Item>(name)),
		from: task.from ?? "earliest",
		sessionTimeoutMs: task.sessionTimeoutMs,
		...(task.onOutOfRange === undefined ? {} : { onOutOfRange: task.onOutOfRange }),
	});
	const moved = (kind: "assigned" | "revoked" | "lost") => (partitions: readonly Partition[]) =>
		player.tell({ kind, partitions: partitions.map(partitionKey) });
	return await group.join({
		onAssigned: moved("assigned"),
		onRevoked: moved("revoked"),
		onLost: moved("lost"),
		retry: { retries: task.retries ?? 1, initialDelayMs: 20 },
		...(task.deadLetter === undefined ? {} : { onFailure: deadLetter(task.deadLetter) }),
		...(task.instanceId === undefined ? {} : { instanceId: task.instanceId }),
		...(task.maxHandlerMs === undefined ? {} : { maxHandlerMs: task.maxHandlerMs }),
	});
}

/** Joins and leaves until it is told to stop. */
function churning(broker: Broker, task: MemberTask, player: HandlingMember, everyMs: number): Play {
	let on = true;
	const storm = async () => {
		while (on) {
			const member = await join(broker, task, player);
			const working = player.work(member);
			await delay(everyMs);
			await member.close();
			await working;
			await delay(everyMs);
		}
		player.note("stopped");
	};
	return {
		done: storm(),
		async take(command) {
			if (command.do === "stop") on = false;
		},
	};
}

class HandlingMember {
	readonly #task: MemberTask;
	readonly #tell: Tell;
	#blockMs = 0;
	#lingerMs = 0;
	#holding = false;
	#held: Message<Item> | undefined;

	constructor(task: MemberTask, tell: Tell) {
		this.#task = task;
		this.#tell = tell;
	}

	tell(event: Untold): void {
		this.#tell({ ...event, member: this.#task.name });
	}

	note(what: string, detail?: string): void {
		this.tell({ kind: "note", what, ...(detail === undefined ? {} : { detail }) });
	}

	async work(member: Member<Item>): Promise<void> {
		member.on("committed", (offsets) => {
			for (const [partition, offset] of offsets) this.tell({ kind: "committed", partition: partitionKey(partition), offset });
		});
		member.on("stuck", (partition, { code, context: { requested, earliest, end } }) =>
			this.note("stuck", `${partitionKey(partition)} ${code} requested ${requested}, earliest ${earliest}, end ${end}`),
		);
		member.on("error", (error) => this.note("error", error.code));
		member.on("lost", (partitions, reason) => this.note("lost", `${partitions.map(partitionKey).join(" ")}: ${reason}`));
		this.note("joined", member.id);
		try {
			await member.run((message) => this.#handle(message, member), {
				commit: this.#task.commit === "manual" ? "manual" : "auto",
				commitIntervalMs: this.#task.commitIntervalMs ?? 200,
			});
			this.tell({ kind: "ended", how: "closed" });
		} catch (error) {
			this.tell({ kind: "ended", how: "failed", reason: codeOf(error) });
		}
	}

	async take(command: Command, member: Member<Item>): Promise<void> {
		if (command.do === "block") this.#blockMs = command.ms;
		else if (command.do === "linger") this.#lingerMs = command.ms;
		else if (command.do === "hold") this.#holding = true;
		else if (command.do === "pause") member.pause();
		else if (command.do === "resume") member.resume();
		else if (command.do === "commit-held" && this.#held) this.#commit(this.#held, member, "held-");
		else if (command.do === "seek") {
			const only = member.assignment.filter(({ index }) => command.partition === undefined || index === command.partition);
			const move = { by: "seek", partitions: only.map(partitionKey) } as const;
			this.#tell({ kind: "moving", ...move });
			await member.seek(command.to, only);
			this.#tell({ kind: "moved", ...move });
			this.note("sought");
		}
	}

	async #handle(message: Message<Item>, member: Member<Item>): Promise<void> {
		const { id } = message.value;
		const { poison, hang, handlerMs, commit } = this.#task;
		const place = { partition: partitionKey(message.partition), offset: message.offset, fence: message.fence };
		this.tell({ kind: "started", ...place, id, key: message.key, attempt: message.attempt });
		if (this.#holding) {
			this.#holding = false;
			this.#held = message;
			this.note("held", `${place.partition}@${place.offset}`);
		}
		if ("polluted" in {}) this.note("polluted");
		if (hang?.includes(id)) return new Promise(() => {});
		if (handlerMs) await delay(handlerMs);
		await this.#disturb();
		if (poison?.includes(id)) {
			this.tell({ kind: "failed", ...place, disposable: this.#task.deadLetter !== undefined });
			throw new Error("poison");
		}
		this.tell({ kind: "finished", ...place });
		if (commit === "each") this.#commit(message, member);
	}

	async #disturb(): Promise<void> {
		const [lingerMs, blockMs] = [this.#lingerMs, this.#blockMs];
		this.#lingerMs = 0;
		this.#blockMs = 0;
		if (lingerMs > 0) {
			this.note("lingering");
			await delay(lingerMs);
		}
		if (blockMs === 0) return;
		this.note("blocking");
		const end = performance.now() + blockMs;
		while (performance.now() < end);
		this.note("unblocked");
	}

	#commit(message: Message<Item>, member: Member<Item>, prefix = ""): void {
		void member.commit(message).then(
			() => prefix && this.note(`${prefix}commit-accepted`),
			(error: unknown) => this.note(`${prefix}commit-refused`, codeOf(error)),
		);
	}
}

type Untold = HistoryEvent extends infer E ? (E extends { readonly member: string } ? Omit<E, "at" | "member"> : never) : never;
