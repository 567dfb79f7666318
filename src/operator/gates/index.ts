export { readBounded } from "./bounded-body.ts";
export { createEventRelay, type EventRelay } from "./event-relay.ts";
export { createOutboundHttp, type OutboundHttp } from "./http.ts";
export { callWebhook, type WebhookPayload } from "./webhook.ts";
