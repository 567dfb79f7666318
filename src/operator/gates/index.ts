export { readBounded } from "./bounded-body.ts";
export { createEventRelay, type EventRelay } from "./event-relay.ts";
export { createGrace } from "./grace.ts";
export { createOutboundHttp, type OutboundHttp } from "./http.ts";
export { plainText } from "./plain-text.ts";
export { formsOf, loginOf, secretsOf } from "./secrets.ts";
export { retryAfterMs } from "./retry-after.ts";
export { callWebhook, type WebhookPayload } from "./webhook.ts";
