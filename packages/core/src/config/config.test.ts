import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connect } from "../connect.ts";
import type { Adapter } from "../driver/driver.ts";
import { parseBackendUrl } from "./backend-url.ts";
import { loadConfig } from "./load-config.ts";

const CANARY = "s3cr3t/pa:ss";

describe("parseBackendUrl", () => {
	it("reads several hosts, credentials, path and options", () => {
		const url = parseBackendUrl("kafka://me:p%40ss@h1:9092,h2,[::1]:9093/a%20b?tls&sasl=scram-sha-512");
		expect(url).toMatchObject({ scheme: "kafka", username: "me", path: "a b", display: "kafka://h1:9092,h2,[::1]:9093/a%20b" });
		expect(url.password?.reveal()).toBe("p@ss");
		expect(url.hosts).toEqual([
			{ host: "h1", port: 9092 },
			{ host: "h2", port: undefined },
			{ host: "::1", port: 9093 },
		]);
		expect([...url.params]).toEqual([
			["tls", "true"],
			["sasl", "scram-sha-512"],
		]);
	});

	it("reads memory: with and without a name", () => {
		expect(parseBackendUrl("memory:").path).toBe("");
		expect(parseBackendUrl("memory:demo").path).toBe("demo");
	});

	it("shows no password in any form, not even of a URL it cannot read", () => {
		const url = parseBackendUrl(`redis://user:${encodeURIComponent(CANARY)}@h:1/0`);
		for (const text of [inspect(url, { depth: 9 }), JSON.stringify(url), String(url.password), url.display])
			expect(text).not.toContain("s3cr3t");
		for (const bad of [`redis://user:${CANARY}@h:99999`, `no url ${CANARY}`, `redis://u:%zz${CANARY}@h`]) {
			expect(() => parseBackendUrl(bad)).toThrow(
				expect.objectContaining({ code: "CONFIG_INVALID", message: expect.not.stringContaining("s3cr3t") as string }) as Error,
			);
		}
	});
});

describe("loadConfig", () => {
	let folder: string;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), "polylog-config-"));
	});
	afterEach(() => rm(folder, { recursive: true }));

	const load = (env: Record<string, string> = {}) => loadConfig(undefined, { env, cwd: folder });

	it("prefers the argument, then POLYLOG_URL, then the file", async () => {
		await writeFile(join(folder, "polylog.config.json"), '{"url":"memory:file"}');
		expect((await loadConfig("memory:argument", { env: { POLYLOG_URL: "memory:env" }, cwd: folder })).url).toBe("memory:argument");
		expect((await load({ POLYLOG_URL: "memory:env" })).url).toBe("memory:env");
		expect((await load()).url).toBe("memory:file");
	});

	it("finds a TypeScript file upwards, and the environment by name", async () => {
		await writeFile(
			join(folder, "polylog.config.ts"),
			'const url: string = "memory:prod"; export default { default: "dev", environments: { dev: { url: "memory:dev" }, prod: { url } } };',
		);
		const below = { cwd: join(folder, "a", "b") };
		expect((await loadConfig(undefined, { env: {}, ...below })).url).toBe("memory:dev");
		expect((await loadConfig(undefined, { env: { POLYLOG_ENV: "prod" }, ...below })).url).toBe("memory:prod");
		await expect(loadConfig(undefined, { env: { POLYLOG_ENV: "nope" }, ...below })).rejects.toMatchObject({
			code: "CONFIG_INVALID",
			message: expect.stringContaining("dev, prod") as string,
		});
	});

	it("says the three places when none names a backend", async () => {
		await expect(load()).rejects.toMatchObject({
			code: "CONFIG_INVALID",
			message: expect.stringMatching(/connect\(\).*POLYLOG_URL.*polylog\.config/) as string,
		});
	});
});

describe("connect", () => {
	it("names the package to install for a scheme whose adapter is missing", async () => {
		await expect(connect({ url: "nats://localhost", adapters: { nats: "polylog-adapter-nats" } })).rejects.toMatchObject({
			code: "ADAPTER_MISSING",
			message: expect.stringContaining("npm install polylog-adapter-nats") as string,
		});
	});

	it("names the known schemes for an unknown one", async () => {
		await expect(connect("carrier-pigeon://x")).rejects.toMatchObject({
			code: "ADAPTER_MISSING",
			message: expect.stringMatching(/memory.*redis.*polylog-adapter-carrier-pigeon/) as string,
		});
	});

	it("refuses an option the backend does not know", async () => {
		await expect(connect("memory:?fsync=true")).rejects.toMatchObject({
			code: "CONFIG_INVALID",
			message: expect.stringContaining('"fsync"') as string,
		});
		await expect(connect({ url: "memory:", memory: { size: 1 } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
		await expect(connect({ url: "memory:", retries: 3 })).rejects.toMatchObject({
			code: "CONFIG_INVALID",
			message: expect.stringContaining("retries") as string,
		});
	});

	it("fails at the start when a required capability is missing", async () => {
		await expect(
			connect({ url: "memory:", require: ["idempotentAppend", "durability:process-crash", "multiProcess"] }),
		).rejects.toMatchObject({
			code: "UNSUPPORTED",
			message: expect.stringContaining("durability:process-crash, multiProcess") as string,
		});
		await (await connect({ url: "memory:", require: ["idempotentAppend", "durability:none"] })).close();
	});

	it("takes a third party's adapter", async () => {
		const seen: string[] = [];
		const adapter: Adapter = {
			name: "toy",
			schemes: ["toy"],
			create(target) {
				seen.push(target.url.path);
				throw new Error("made");
			},
		};
		await expect(connect({ url: "toy:box", adapters: { toy: adapter } })).rejects.toThrow("made");
		expect(seen).toEqual(["box"]);
	});
});
