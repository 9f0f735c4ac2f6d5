// Every server in a container can be treated as badly as a child process.
import { connect } from "node:net";
import { type BrokerKind, type Provider, providers, type RunningBroker } from "@polylog/integration";
import { useBroker } from "@polylog/integration/vitest";
import { describe, expect, it } from "vitest";

/** What each server is asked, and how its answer begins. */
const GREETINGS: Readonly<Record<BrokerKind, { readonly ask: string; readonly answer: string }>> = {
	redis: { ask: "GET kept\r\n", answer: "$5\r\nvalue" },
	valkey: { ask: "GET kept\r\n", answer: "$5\r\nvalue" },
	rabbitmq: { ask: "AMQP\x00\x00\x09\x01", answer: "\x01\x00\x00" },
	// Metadata, version 1, of no topic: the answer's length, then the number the request gave itself.
	kafka: { ask: "\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x07\xff\xff\x00\x00\x00\x00", answer: "\x00\x00\x00" },
};

function ask({ host, port }: RunningBroker, text: string, withinMs = 10_000): Promise<string> {
	return new Promise((resolve) => {
		const socket = connect({ host, port });
		const done = (reply: string) => {
			socket.destroy();
			resolve(reply);
		};
		socket.setTimeout(withinMs, () => done("no answer"));
		socket.once("error", (error: NodeJS.ErrnoException) => done(String(error.code)));
		socket.once("data", (data) => done(data.toString("latin1")));
		socket.once("end", () => done("closed"));
		socket.write(text, "latin1");
	});
}

const inContainers: readonly Provider[] = (await providers("redis", "valkey", "rabbitmq", "kafka")).filter(
	({ via }) => via === "container",
);

describe.each(inContainers)("$title", (provider) => {
	const used = useBroker("containers", provider, { own: true });
	const { ask: question, answer } = GREETINGS[provider.kind];
	const answers = async () => (await ask(used.broker, question)).startsWith(answer);

	it("serves, is of the version asked for, and its log can be read", async () => {
		if (provider.product !== "RabbitMQ" && provider.product !== "Kafka") await ask(used.broker, "SET kept value\r\n");
		expect(await answers()).toBe(true);
		expect(provider.title).toContain(`${provider.product} ${used.broker.version.split(".").slice(0, 2).join(".")},`);
		expect(used.broker.logs()).toMatch(/\d+\.\d+/);
	});

	it("does not answer while it is paused, and goes on when it is resumed", async () => {
		await used.broker.pause();
		expect(await ask(used.broker, question, 300)).toBe("no answer");
		await used.broker.resume();
		await expect.poll(answers, { timeout: 10_000 }).toBe(true);
	});

	it("is gone when it is killed, and comes back on its port with its data", async () => {
		const { port } = used.broker;
		await used.broker.kill();
		expect(await ask(used.broker, question)).toBe("ECONNREFUSED");
		await used.broker.start();
		expect(used.broker.port).toBe(port);
		expect(await answers()).toBe(true);
	}, 60_000);

	it("restarts in good order, also when it is paused", async () => {
		const before = used.broker.logs().length;
		await used.broker.pause();
		await used.broker.restart();
		expect(await answers()).toBe(true);
		expect(used.broker.logs().length).toBeGreaterThan(before);
	}, 60_000);
});
