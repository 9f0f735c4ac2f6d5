import { describe, expect, it } from "vitest";
import { addressOf } from "./engine-api.ts";

describe("the address of a container engine", () => {
	it("is a socket or a host and port", () => {
		expect(addressOf("unix:///run/docker.sock")).toEqual({ socketPath: "/run/docker.sock" });
		expect(addressOf("tcp://box:1234")).toEqual({ host: "box", port: 1234 });
		expect(addressOf("tcp://box")).toEqual({ host: "box", port: 2375 });
	});
});
