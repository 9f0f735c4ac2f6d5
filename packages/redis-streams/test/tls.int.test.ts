import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startBroker } from "@polylog/integration";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeDriver, uniqueName } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "polylog-tls-"));
let certificate: string;
let port: number;
let stop: () => Promise<void>;

beforeAll(async () => {
	const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
	const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
	execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject], {
		stdio: "ignore",
	});
	certificate = readFileSync(cert, "utf8");
	port = await freePort();
	const settings = [
		"--tls-port",
		String(port),
		"--tls-cert-file",
		cert,
		"--tls-key-file",
		key,
		"--tls-ca-cert-file",
		cert,
		"--tls-auth-clients",
		"no",
	];
	const broker = await startBroker("redis", { own: true, via: "native", settings });
	stop = () => broker.dispose();
});

afterAll(async () => {
	await stop();
	rmSync(folder, { recursive: true });
});

describe("rediss", () => {
	it("works with a certificate it can verify", async () => {
		const driver = makeDriver(`rediss://127.0.0.1:${port}`, { tls: { ca: certificate } });
		await driver.connect();
		expect(await driver.topics.create(uniqueName("tls"), { partitions: 1 })).toBe(true);
		await driver.close();
	});

	it("refuses one it cannot verify, for good", async () => {
		const driver = makeDriver(`rediss://127.0.0.1:${port}`);
		const error: unknown = await driver.connect().catch((thrown: unknown) => thrown);
		expect(driver.classify(error).code).toBe("UNAUTHORIZED");
	});

	it("accepts any where that is asked for by name", async () => {
		const driver = makeDriver(`rediss://127.0.0.1:${port}?insecureTls`);
		await driver.connect();
		expect(await driver.topics.list()).toEqual(expect.any(Array));
		await driver.close();
	});

	it("on a port without TLS fails in time", async () => {
		const driver = makeDriver(`redis://127.0.0.1:${port}`, { connectTimeoutMs: 1000 });
		const error: unknown = await driver.connect().catch((thrown: unknown) => thrown);
		expect(driver.classify(error).code).toBe("CONNECTION_LOST");
	});
});
