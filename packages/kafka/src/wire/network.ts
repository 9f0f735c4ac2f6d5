// Which brokers there are, and one connection for each purpose (lane) to each of them. Nothing is repeated here: a call
// fails when its connection does, and the next one opens another.
import { type Clock, PolylogError } from "@polylog/core/driver";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { KafkaWire, NodeAddress, WireConnection, WireRequest } from "./wire.ts";

/**
 * Purposes that must not hold each other up, since a broker answers each connection in order: long polls, joins (which
 * wait for all members), appends and commits (which wait for replicas), and the short requests that keep a membership alive.
 */
export type Lane = "admin" | "produce" | "fetch" | "fetch-now" | "group" | "commit" | `join-${number}`;

export interface NetworkSettings {
	readonly seeds: readonly NodeAddress[];
	/** For an answer, in ms. */
	readonly requestTimeoutMs: number;
}

export interface SendOptions {
	readonly signal?: AbortSignal | undefined;
	/** Instead of the configured time for an answer. */
	readonly timeoutMs?: number;
}

/** How many are asked a question. */
const ASKED = 3;
const two = (answers: readonly unknown[]) => answers.length >= 2;
/** Brokers answer at once what they know; one that is frozen must not hold questions up. */
const QUESTION_MS = 5000;
const SUSPECT_MS = 30_000;

interface AskOptions<T> {
	readonly signal?: AbortSignal | undefined;
	readonly enough?: (answers: readonly T[]) => boolean;
}

export class Network {
	readonly #wire: KafkaWire;
	readonly #settings: NetworkSettings;
	readonly #clock: Clock;
	readonly #nodes = new Map<number, NodeAddress>();
	readonly #connections = new Map<string, Promise<WireConnection>>();
	readonly #open = new Set<WireConnection>();
	readonly #end = new AbortController();
	/** By node: until when. */
	readonly #suspects = new Map<number, number>();
	#turn = 0;

	constructor(wire: KafkaWire, settings: NetworkSettings, clock: Clock) {
		this.#wire = wire;
		this.#settings = settings;
		this.#clock = clock;
	}

	get nodes(): readonly number[] {
		return [...this.#nodes.keys()];
	}

	learn(nodes: Iterable<readonly [number, NodeAddress]>): void {
		for (const [id, address] of nodes) this.#nodes.set(id, address);
	}

	/** To a broker by its id. */
	async send<T>(node: number, lane: Lane, request: WireRequest<T>, options: SendOptions = {}): Promise<T> {
		return await this.#sendTo(this.#address(node), lane, request, options);
	}

	/** Opens the connection if there is none, so that a `send` right after it is certain to go out or to be in doubt. */
	async connect(node: number, lane: Lane, signal?: AbortSignal): Promise<void> {
		await this.#connection(this.#address(node), lane, signal);
	}

	/**
	 * A question that any broker can answer, put to three of them: what they said once that is `enough` (default: two
	 * answers), or all that came. A broker that is cut off from the others answers as if nothing had happened, so one alone
	 * must not be believed. Other ones each time; those under suspicion are asked last. Rejects if none answers.
	 */
	async ask<T>(request: WireRequest<T>, { signal, enough = two }: AskOptions<T> = {}): Promise<readonly [T, ...T[]]> {
		this.#turn++;
		const asked = this.#candidates().slice(0, ASKED);
		const timeoutMs = Math.min(this.#settings.requestTimeoutMs, asked.length > 1 ? QUESTION_MS : Infinity);
		const answers: T[] = [];
		await new Promise<void>((resolve, reject) => {
			let left = asked.length;
			const settle = (failure?: unknown) => {
				left--;
				const [first] = answers;
				if (enough(answers) || (left === 0 && first !== undefined)) resolve();
				else if (left === 0) reject(failure);
			};
			for (const address of asked)
				this.#sendTo(address, "admin", request, { signal, timeoutMs }).then((answer) => {
					answers.push(answer);
					settle();
				}, settle);
		});
		// Resolved with one at least.
		return [...answers] as [T, ...T[]];
	}

	/** It did not do what it should as a leader or coordinator: others are asked first for a while. */
	suspect(node: number): void {
		this.#suspects.set(node, this.#clock.now() + SUSPECT_MS);
	}

	/** To whichever broker can be reached. Rejects with the last refusal. */
	async sendAny<T>(lane: Lane, request: WireRequest<T>, options: SendOptions = {}): Promise<T> {
		let failure: unknown;
		for (const address of this.#candidates()) {
			let connection: WireConnection;
			try {
				connection = await this.#connection(address, lane, options.signal);
			} catch (error) {
				options.signal?.throwIfAborted();
				failure = error;
				this.#turn++;
				continue;
			}
			return await this.#exchange(connection, address, request, options);
		}
		throw failure;
	}

	closeLane(lane: Lane): void {
		for (const [key, opening] of this.#connections) {
			if (!key.startsWith(`${lane}@`)) continue;
			this.#connections.delete(key);
			void opening.then(
				(connection) => this.#drop(connection, closed()),
				() => {},
			);
		}
	}

	destroy(): void {
		if (this.#end.signal.aborted) return;
		this.#end.abort(closed());
		for (const connection of this.#open) this.#drop(connection, closed());
		this.#connections.clear();
	}

	#address(node: number): NodeAddress {
		const address = this.#nodes.get(node);
		if (!address) throw new PolylogError("UNAVAILABLE", `the Kafka cluster has named no address for its broker ${node} yet`);
		return address;
	}

	/** Known brokers and seeds, each once, beginning with the one whose turn it is; those under suspicion come last. */
	#candidates(): NodeAddress[] {
		const all = new Map([...this.#nodes.values(), ...this.#settings.seeds].map((address) => [`${address.host}:${address.port}`, address]));
		const list = [...all.values()];
		const first = this.#turn % list.length;
		const turned = [...list.slice(first), ...list.slice(0, first)];
		const now = this.#clock.now();
		const suspected = new Set([...this.#suspects].flatMap(([node, until]) => (until > now ? [this.#nodes.get(node)] : [])));
		const trusted = (address: NodeAddress) => ![...suspected].some((one) => one?.host === address.host && one.port === address.port);
		return [...turned.filter(trusted), ...turned.filter((address) => !trusted(address))];
	}

	async #sendTo<T>(address: NodeAddress, lane: Lane, request: WireRequest<T>, options: SendOptions): Promise<T> {
		return await this.#exchange(await this.#connection(address, lane, options.signal), address, request, options);
	}

	async #connection(address: NodeAddress, lane: Lane, signal: AbortSignal | undefined): Promise<WireConnection> {
		this.#end.signal.throwIfAborted();
		signal?.throwIfAborted();
		const key = `${lane}@${address.host}:${address.port}`;
		const known = this.#connections.get(key);
		if (known) {
			const connection = await abortable(known, signal);
			if (connection.alive) return connection;
			if (this.#connections.get(key) === known) this.#connections.delete(key);
			this.#open.delete(connection);
		}
		const opening = this.#connections.get(key) ?? this.#openOne(key, address);
		return await abortable(opening, signal);
	}

	#openOne(key: string, address: NodeAddress): Promise<WireConnection> {
		const opening = this.#wire.open(address, this.#end.signal).then((connection) => {
			this.#open.add(connection);
			if (this.#end.signal.aborted) this.#drop(connection, closed());
			return connection;
		});
		this.#connections.set(key, opening);
		opening.catch(() => {
			if (this.#connections.get(key) === opening) this.#connections.delete(key);
		});
		return opening;
	}

	async #exchange<T>(
		connection: WireConnection,
		{ host, port }: NodeAddress,
		request: WireRequest<T>,
		{ signal, timeoutMs }: SendOptions,
	): Promise<T> {
		signal?.throwIfAborted();
		this.#end.signal.throwIfAborted();
		const { name, apiKey, version, flexible = false, holdMs = 0 } = request;
		const writer = new ByteWriter(flexible);
		request.write(writer);
		const limitMs = (timeoutMs ?? this.#settings.requestTimeoutMs) + holdMs;
		// An answer that does not come leaves the connection of no use: what is behind it would wait too.
		const cancel = this.#clock.after(limitMs, () => {
			this.#drop(connection, new PolylogError("TIMEOUT", `Kafka at ${host}:${port} did not answer ${name} within ${limitMs} ms`));
		});
		try {
			const answer = await abortable(connection.request({ apiKey, version, body: writer.written, flexible }).finally(cancel), signal);
			return request.read(new ByteReader(answer, flexible));
		} catch (error) {
			if (error instanceof RangeError)
				throw new PolylogError(
					"UNSUPPORTED",
					`Kafka at ${host}:${port} answered ${name} in a form that version ${version} of it does not have`,
					{ cause: error },
				);
			throw error;
		}
	}

	#drop(connection: WireConnection, reason: Error): void {
		this.#open.delete(connection);
		connection.destroy(reason);
	}
}

function closed(): PolylogError {
	return new PolylogError("CLOSED", "the connection to Kafka was closed");
}

/** Ends the wait, not the work. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal) return work;
	return new Promise((resolve, reject) => {
		const onAbort = () => reject(signal.reason);
		if (signal.aborted) onAbort();
		signal.addEventListener("abort", onAbort, { once: true });
		work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
	});
}
