// SASL and TLS: who gets in, who is told why not, and that no secret is told to anybody.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { connect } from "@polylog/core";
import { type RunningKafka, startKafka } from "@polylog/integration";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { adapter } from "../src/index.ts";
import { LoggedLines, makeDriver, makeTopic, readAll, record, Session, TestProducer, textOf } from "./harness.ts";

const PASSWORD = "canary-secret/7&";
const CANARY = "canary-secret";
const folder = mkdtempSync(join(tmpdir(), "polylog-kafka-tls-"));
let broker: RunningKafka;
let session: Session;

const at = (name: string, user = "", query = "") => `kafka://${user}localhost:${broker.listeners.get(name)}${query}`;
const user = (password = PASSWORD) => `me:${encodeURIComponent(password)}@`;
const ca = () => readFileSync(join(folder, "cert.pem"));

beforeAll(async () => {
	const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
	openssl(
		"req",
		"-x509",
		"-newkey",
		"rsa:2048",
		"-nodes",
		"-days",
		"2",
		"-subj",
		"/CN=localhost",
		"-addext",
		"subjectAltName=DNS:localhost",
		"-keyout",
		"key.pem",
		"-out",
		"cert.pem",
	);
	writeFileSync(
		join(folder, "store.pem"),
		`${readFileSync(join(folder, "key.pem"), "utf8")}${readFileSync(join(folder, "cert.pem"), "utf8")}`,
	);
	const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_me="${PASSWORD}";`;
	broker = await startKafka({
		own: true,
		listeners: [
			{ name: "SCRAM", protocol: "SASL_PLAINTEXT" },
			{ name: "TLS", protocol: "SSL" },
			{ name: "BOTH", protocol: "SASL_SSL" },
		],
		scram: [`SCRAM-SHA-256=[name="me",password="${PASSWORD}"]`, `SCRAM-SHA-512=[name="me",password="${PASSWORD}"]`],
		settings: {
			"ssl.keystore.type": "PEM",
			"ssl.keystore.location": join(folder, "store.pem"),
			"listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
			"listener.name.scram.scram-sha-256.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
			"listener.name.scram.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
			"listener.name.both.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
			"listener.name.both.plain.sasl.jaas.config": plain,
			"listener.name.both.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
		},
	});
	session = new Session(broker.url);
}, 180_000);
afterEach(() => session.close());
afterAll(async () => {
	await broker.dispose();
	rmSync(folder, { recursive: true, force: true });
});

describe("a secured broker", () => {
	it.each([
		["SCRAM-SHA-512", () => at("SCRAM", user()), {}],
		["SCRAM-SHA-256", () => at("SCRAM", user(), "?sasl=scram-sha-256"), {}],
		["TLS", () => at("TLS"), { tls: true as const }],
		["PLAIN over TLS", () => at("BOTH", user(), "?sasl=plain"), { tls: true as const }],
		["SCRAM over TLS", () => at("BOTH", user()), { tls: true as const }],
	])("is written and read with %s", async (_, url, { tls }: { tls?: true }) => {
		const driver = await session.driver(tls ? { tls: { ca: ca() } } : {}, url());
		const partition = { topic: await makeTopic(driver), index: 0 };
		await new TestProducer(driver, partition).append([record("hello")]);
		expect((await readAll(driver, partition)).map(textOf)).toEqual(["hello"]);
	});

	it.each([
		["a wrong password", () => at("SCRAM", user("wrong")), {}, "UNAUTHORIZED"],
		["a wrong password for PLAIN", () => at("BOTH", user("wrong"), "?sasl=plain"), { tls: true }, "UNAUTHORIZED"],
		["a certificate nobody vouches for", () => at("TLS"), { untrusted: true }, "UNAUTHORIZED"],
	])("refuses %s with a plain error, soon", async (_, url, { tls, untrusted }: { tls?: boolean; untrusted?: boolean }, code) => {
		const driver = makeDriver(url(), untrusted ? { tls: true } : tls ? { tls: { ca: ca() } } : {});
		const started = performance.now();
		const error: unknown = await driver.connect().then(
			() => undefined,
			(failure: unknown) => failure,
		);
		expect(driver.classify(error).code).toBe(code);
		// A connection that does not come about is given up after ten seconds.
		expect(performance.now() - started).toBeLessThan(9000);
		driver.destroy();
	});

	it("is not asked without TLS where it expects TLS, within the time for connecting", async () => {
		const driver = makeDriver(at("TLS"), { connectTimeoutMs: 1000 });
		await expect(driver.connect()).rejects.toThrow(/conn|socket|server/i);
		driver.destroy();
	});

	it("never has its password told: not in errors, not in logs, not when things are printed", async () => {
		const log = new LoggedLines();
		const printed: string[] = [];
		for (const password of [PASSWORD, `${CANARY}-wrong`]) {
			const broken = await connect({ url: at("SCRAM", user(password)), adapters: { kafka: adapter }, log }).catch(
				(error: unknown) => error,
			);
			printed.push(inspect(broken, { depth: 20, showHidden: true }), String(broken), JSON.stringify(broken));
			if (!(broken instanceof Error)) await (broken as AsyncDisposable)[Symbol.asyncDispose]();
		}
		const driver = makeDriver(at("SCRAM", user(`${CANARY}-wrong`)), {}, log);
		const raw: unknown = await driver.connect().catch((error: unknown) => error);
		printed.push(inspect(driver, { depth: 20, showHidden: true }), inspect(raw, { depth: 20, showHidden: true }), ...log.lines);
		const text = printed.join("\n");
		for (const form of [CANARY, Buffer.from(CANARY).toString("base64").slice(0, 16), encodeURIComponent(PASSWORD)])
			expect(text).not.toContain(form);
		expect(text.length).toBeGreaterThan(500);
	});
});
