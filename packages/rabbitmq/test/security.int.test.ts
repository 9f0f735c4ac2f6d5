// TLS and logins: who gets in, by which proof, and who is told why not. The certificates are made here.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RabbitmqOptions } from "../src/index.ts";
import { record, take, TestProducer, uniqueName, useRabbitmq } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "polylog-rabbitmq-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string) => join(folder, name);
const pem = (name: string) => readFileSync(file(name), "utf8");

function openssl(...args: string[]): void {
	execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
}

/** A key, and a certificate for the name that the authority (or the name itself) signed. */
function certify(name: string, subject: string, more: readonly string[] = ["-CA", "ca.pem", "-CAkey", "ca.key"]): void {
	const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`];
	openssl("req", "-x509", ...key, "-days", "2", "-subj", subject, "-out", `${name}.pem`, ...more);
}

certify("ca", "/CN=authority", []);
certify("server", "/CN=localhost", ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
certify("me", "/CN=me");
certify("nobody", "/CN=nobody");

const rabbitmq = useRabbitmq({
	own: true,
	tls: { ca: file("ca.pem"), cert: file("server.pem"), key: file("server.key") },
	plugins: ["rabbitmq_auth_mechanism_ssl"],
});

const url = (user = "") => `amqps://${user}127.0.0.1:${rabbitmq.broker.tlsPort}`;

async function codeOf(options: RabbitmqOptions, at = url()): Promise<string> {
	const driver = rabbitmq.session.unconnected(options, at);
	const error: unknown = await driver.connect().catch((thrown: unknown) => thrown);
	expect(error, "nobody got in").toBeInstanceOf(Error);
	return driver.classify(error).code;
}

/** The lengths of what was appended and read back. */
async function roundTrip(options: RabbitmqOptions, at = url()): Promise<number[]> {
	const driver = await rabbitmq.session.driver(options, at);
	const partition = { topic: uniqueName("topic"), index: 0 };
	await driver.topics.create(partition.topic, { partitions: 1 });
	await new TestProducer(driver, partition).append([record("a"), record("b", { value: Buffer.alloc(300_000, "b") })]);
	const read = await take(driver.openReader(partition, 0n), 2);
	return read.map(({ value }) => value?.length ?? 0);
}

describe("amqps", () => {
	it("works with a certificate it can verify", async () => {
		expect(await roundTrip({ tls: { ca: pem("ca.pem") } })).toEqual([1, 300_000]);
	});

	it("refuses one it cannot verify, for good", async () => {
		expect(await codeOf({})).toBe("UNAUTHORIZED");
	});

	it("accepts any where that is asked for by name", async () => {
		expect(await roundTrip({ insecureTls: true })).toEqual([1, 300_000]);
	});

	it("refuses a wrong password, which no error shows", async () => {
		const driver = rabbitmq.session.unconnected({ tls: { ca: pem("ca.pem") } }, url("guest:canary%21@"));
		const error: unknown = await driver.connect().catch((thrown: unknown) => thrown);
		expect(driver.classify(error).code).toBe("UNAUTHORIZED");
		expect(`${String(error)} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`).not.toMatch(/canary/);
	});

	it("on a port without TLS fails in time", async () => {
		expect(await codeOf({ connectTimeoutMs: 1000 }, `amqps://127.0.0.1:${rabbitmq.broker.port}`)).toMatch(/^(CONNECTION_LOST|TIMEOUT)$/);
	});
});

describe("EXTERNAL", () => {
	const login = (name: string): RabbitmqOptions => ({
		auth: "external",
		tls: { ca: pem("ca.pem"), cert: pem(`${name}.pem`), key: pem(`${name}.key`) },
	});

	it("takes the certificate for the login", async () => {
		await rabbitmq.broker.control("add_user", "me", "a password that is never sent");
		await rabbitmq.broker.control("set_permissions", "me", ".*", ".*", ".*");
		expect(await roundTrip(login("me"))).toEqual([1, 300_000]);
		const connections = (await rabbitmq.broker.control("-q", "list_connections", "user", "auth_mechanism")).trim().split("\n").slice(1);
		expect(new Set(connections)).toEqual(new Set(["me\tEXTERNAL"]));
	});

	it("refuses a certificate of somebody without an account, and a connection without a certificate", async () => {
		expect(await codeOf(login("nobody"))).toBe("UNAUTHORIZED");
		expect(await codeOf({ auth: "external", tls: { ca: pem("ca.pem") } })).toBe("UNAUTHORIZED");
	});
});
