// A process' driver in the simulated world: the driver contract over one link.
import type { Partition } from "@polylog/core";
import type {
	AppendOutcome,
	Capabilities,
	Classification,
	Driver,
	GroupCoordinator,
	Offset,
	OutgoingRecord,
	ProducerIdentity,
	Reader,
	TopicDescription,
	TopicStore,
} from "@polylog/core/driver";
import { type Link, LinkError } from "./link.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";
import { SimulatedReader } from "./simulated-reader.ts";

export class SimulatedDriver implements Driver {
	readonly name = "simulated";
	readonly capabilities: Capabilities;
	readonly topics: TopicStore;
	readonly groups: Driver["groups"];
	readonly #broker: SimulatedBroker;
	readonly #link: Link;

	constructor(broker: SimulatedBroker, link: Link, coordinator: GroupCoordinator) {
		this.#broker = broker;
		this.#link = link;
		this.capabilities = {
			durability: "none",
			multiProcess: true,
			idempotentAppend: broker.idempotent,
			producerFencing: broker.idempotent,
			headerMultimap: true,
			tombstones: true,
			offsetAt: true,
			growTopics: true,
			commitsOutliveTopic: true,
			nativeGroupView: false,
		};
		this.topics = simulatedTopics(broker, link);
		this.groups = { kind: "native", coordinator };
	}

	async connect(): Promise<void> {}

	async close(): Promise<void> {
		this.#link.close();
	}

	destroy(): void {
		this.#link.close();
	}

	append(
		partition: Partition,
		records: readonly OutgoingRecord[],
		producer: ProducerIdentity,
		signal?: AbortSignal,
	): Promise<readonly AppendOutcome[]> {
		const act = () => this.#broker.partition(partition).append(records, this.#broker.idempotent ? producer : undefined);
		return this.#link.call({ act, append: true, signal });
	}

	openReader(partition: Partition, from: Offset): Reader {
		return new SimulatedReader(this.#broker, this.#link, partition, from);
	}

	offsetAt(partition: Partition, timestampMs: number, signal?: AbortSignal): Promise<Offset> {
		return this.#link.call({ act: () => this.#broker.partition(partition).offsetAt(timestampMs), signal });
	}

	classify(error: unknown): Classification {
		return { code: error instanceof LinkError ? "CONNECTION_LOST" : "UNKNOWN" };
	}

	native(): SimulatedBroker {
		return this.#broker;
	}
}

export function simulatedTopics(broker: SimulatedBroker, link: Link): TopicStore {
	const { store } = broker;
	const describe = (topic: string): TopicDescription | undefined => {
		const known = store.topics.get(topic);
		const partitions = known?.partitions.map(({ earliest, end }, index) => ({ topic, index, earliest, end }));
		return partitions && { topic, partitions };
	};
	return {
		create: (topic, options, signal) => link.call({ act: () => store.createTopic(topic, options), signal }),
		delete: (topic, signal) => link.call({ act: () => store.topics.delete(topic), signal }),
		grow: (topic, partitions, signal) => link.call({ act: () => store.growTopic(topic, partitions), signal }),
		describe: (topic, signal) => link.call({ act: () => describe(topic), signal }),
		list: (signal) => link.call({ act: () => [...store.topics.keys()], signal }),
	};
}
