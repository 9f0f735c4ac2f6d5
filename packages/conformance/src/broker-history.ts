// The history of an application that knows nothing of it: what its producers were told, and what its members were given and
// committed. A message is told by its place in the log, so what was sent counts where its offset was told.
import type { Broker, ConsumerGroup, MemberOptions, Message, Producer, Receipt, RunOptions } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import { checkHistory } from "./history/check-history.ts";
import type { HistoryEvent } from "./history/event.ts";
import type { Violation } from "./history/violation.ts";
import { recorded, recordedHandler, recordedHooks, type Scribe } from "./recorded-member.ts";
import { clock } from "./time.ts";
import { watched } from "./watched-group.ts";

const idOf = ({ partition, offset }: Pick<Message<unknown>, "partition" | "offset">) => `${partitionKey(partition)}@${offset}`;

export class BrokerHistory {
	readonly events: HistoryEvent[] = [];
	#byKey = false;
	#members = 0;
	#producers = 0;
	#order = 0;

	/** The same broker, whose groups and producers tell this history from now on; it is changed in place. */
	keep(broker: Broker): Broker {
		const producer = broker.producer.bind(broker);
		const consumerGroup = broker.consumerGroup.bind(broker);
		const producerGroup = broker.producerGroup.bind(broker);
		return Object.assign(broker, {
			producer: (...call: Parameters<typeof producer>) => this.#producer(producer(...call)),
			producerGroup: (...call: Parameters<typeof producerGroup>) => {
				const group = producerGroup(...call);
				const member = group.producer.bind(group);
				return Object.assign(group, { producer: (...one: Parameters<typeof member>) => this.#producer(member(...one)) });
			},
			consumerGroup: (...call: Parameters<Broker["consumerGroup"]>) => this.#group(consumerGroup(...call)),
		});
	}

	/** How it breaks the contract, as far as one can tell who was not told where all this ends. */
	violations(): readonly Violation[] {
		const order = this.#byKey ? ({ order: "key" } as const) : {};
		return checkHistory(this.events, { drained: false, storedTwice: Number.POSITIVE_INFINITY, ...order }).violations;
	}

	#group<T>(group: ConsumerGroup<T>): ConsumerGroup<T> {
		const { name } = group;
		watched(group, [{ note: (_, event) => void this.events.push(event) }]);
		const [join, run] = [group.join.bind(group), group.run.bind(group)];
		group.join = async (options: MemberOptions<T> = {}) => {
			const scribe = this.#scribe<T>(name);
			const member = recorded(await join({ ...options, ...recordedHooks(scribe, options) }), scribe);
			const runOnce = member.run.bind(member);
			member.run = (handler, how) => {
				this.#byKey ||= how?.order === "key";
				return runOnce(handler, how);
			};
			return member;
		};
		group.run = (handler, options: RunOptions & MemberOptions<T> = {}) => {
			const scribe = this.#scribe<T>(name);
			this.#byKey ||= options.order === "key";
			return run(recordedHandler(handler, scribe, options.onFailure), { ...options, ...recordedHooks(scribe, options) });
		};
		return group;
	}

	#scribe<T>(group: string): Scribe<T> {
		return { member: `m${++this.#members}`, group, record: (event) => void this.events.push(event), idOf };
	}

	#producer<T>(producer: Producer<T>): Producer<T> {
		const name = `p${++this.#producers}`;
		const [send, sendBatch] = [producer.send.bind(producer), producer.sendBatch.bind(producer)];
		const note = (receipt: Receipt, order: number) => {
			if (receipt.status !== "ok" || receipt.offset === undefined) return;
			const { status, partition, offset } = receipt;
			const told = { id: idOf({ partition, offset }), partition: partitionKey(partition), offset };
			this.events.push({ kind: "sent", at: clock.wall(), producer: name, status, order, ...told });
		};
		return Object.assign(producer, {
			send: async (...call: Parameters<typeof send>) => {
				const order = this.#order++;
				const receipt = await send(...call);
				note(receipt, order);
				return receipt;
			},
			sendBatch: async (messages: Parameters<typeof sendBatch>[0], options?: Parameters<typeof sendBatch>[1]) => {
				const orders: number[] = [];
				const receipts = await sendBatch(
					(function* (next: () => number) {
						for (const message of messages) {
							orders.push(next());
							yield message;
						}
					})(() => this.#order++),
					options,
				);
				for (const [i, receipt] of receipts.entries()) note(receipt, orders[i] ?? 0);
				return receipts;
			},
		});
	}
}
