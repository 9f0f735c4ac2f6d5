// A Redis whose wall clock can be moved while it runs: libfaketime, from Debian, stands before the C library.
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ChildServer } from "../src/brokers/child-server.ts";
import { installFromDebian } from "../src/brokers/debian.ts";
import { freePort } from "../src/brokers/port.ts";
import { redisAnswers, redisArguments, redisUrl } from "../src/brokers/redis-server.ts";
import type { Server } from "./servers.ts";

const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const READY_MS = 15_000;
const HOST = "127.0.0.1";

export interface RedisWithClock {
	readonly server: Server;
	/** From now on its clock is so many seconds ahead of the true one (or behind it). */
	jump(seconds: number): Promise<void>;
}

export async function startRedisWithClock(): Promise<RedisWithClock> {
	await installFromDebian(
		["redis-server", "libfaketime"],
		() => !existsSync(LIBRARY),
		"no libfaketime: install it, to move the clock of a Redis",
	);
	const port = await freePort();
	const clockFile = (folder: string) => join(folder, "clock");
	let version = "";
	const redis = await ChildServer.start({
		name: "redis-clock",
		command: "redis-server",
		arguments: (folder) => redisArguments({}, { bind: HOST, port, folder }),
		environment: (folder) => ({
			LD_PRELOAD: LIBRARY,
			FAKETIME_TIMESTAMP_FILE: clockFile(folder),
			FAKETIME_NO_CACHE: "1",
			// Only the wall clock: what a machine's clock does when it is set.
			FAKETIME_DONT_FAKE_MONOTONIC: "1",
		}),
		async ready() {
			version = await redisAnswers(HOST, port, READY_MS);
		},
	});
	return {
		jump: (seconds) => writeFile(clockFile(redis.folder), `${seconds >= 0 ? "+" : ""}${seconds}`),
		server: {
			backend: "redis",
			version: `Redis ${version}`,
			url: redisUrl(HOST, port),
			process: undefined,
			road: () => Promise.reject(new Error("this Redis has no proxies")),
			release: () => {},
			[Symbol.asyncDispose]: () => redis.dispose(),
		},
	};
}
