import { type Canary, type Deployment, type ReplicaSet, resources } from "#api";
import { Failure } from "#base";
import { type KubeClient, type ObjectKey } from "#kube";
import { revisionOfTemplate } from "#operator";
import { namesOf } from "#rollout";
import { chooseUndo } from "./choose-undo.ts";
import { type Asked, nameOf, planIntent } from "./plan-intent.ts";
import { type Sent, sendWish } from "./send-wish.ts";

/** Most ReplicaSets of a namespace that are looked at. */
const REPLICA_SETS_MAX = 5000;

/**
 * Puts the target's template back to the revision that was promoted before the present one, and asks to promote it
 * without an analysis.
 *
 * The template goes first: an intent about a template that is not there yet could be taken for one that has passed. The
 * revision is named by the template that the server answers with, which is what the operator will hash.
 *
 * @throws Failure `UndoImpossible` when no such revision is kept.
 */
export async function undo(client: KubeClient, canary: Canary, asked: Asked): Promise<Sent> {
  const plan = planIntent(canary, asked);
  if (plan.kind !== "write") return { plan, canary };
  const names = namesOf(canary);
  if (names.targetKind !== "Deployment")
    throw impossible(canary, `its target is a ${names.targetKind}; only Deployments keep their revisions`);
  const target = await readDeployment(client, { namespace: names.namespace, name: names.target });
  const primary = await readDeployment(client, { namespace: names.namespace, name: names.primary });
  const { items: replicaSets } = await client.list<ReplicaSet>(resources.replicaSets, {
    namespace: names.namespace,
    limit: REPLICA_SETS_MAX,
  });
  const choice = chooseUndo({ target, primary, replicaSets });
  if (choice.kind === "none") throw impossible(canary, choice.reason);
  const restored = await client.patch<Deployment>(
    resources.deployments,
    { namespace: names.namespace, name: names.target },
    {
      kind: "json",
      body: [
        // Refused when somebody has changed the target meanwhile.
        { op: "test", path: "/metadata/resourceVersion", value: target.metadata.resourceVersion },
        { op: "replace", path: "/spec/template", value: choice.template },
      ],
      options: { fieldManager: "serin-cli" },
    },
  );
  const sent = await askForPromotion(client, canary, {
    ...asked,
    revision: revisionOfTemplate(restored.spec.template),
  });
  const images = choice.template.spec.containers.map(({ image }) => image).join(", ");
  const done = `Put "${names.namespace}/${names.target}" back to its revision ${choice.number} (${images}).`;
  return { ...sent, plan: { ...sent.plan, message: `${done} ${sent.plan.message}` } };
}

/** The operator may have seen the template already: then a release is under way, and is promoted rather than undone. */
async function askForPromotion(client: KubeClient, canary: Canary, asked: Asked): Promise<Sent> {
  const sent = await sendWish(client, canary, { ...asked, isTemplateBack: true });
  if (sent.plan.kind !== "refuse") return sent;
  throw new Failure(`The template of ${nameOf(canary)} is back, but not asked to be promoted: ${sent.plan.message}`, {
    code: "UndoImpossible",
  });
}

async function readDeployment(client: KubeClient, key: ObjectKey): Promise<Deployment> {
  const found = await client.get<Deployment>(resources.deployments, key);
  if (found !== undefined) return found;
  throw new Failure(`Cannot undo: the Deployment "${key.namespace ?? ""}/${key.name}" does not exist`, {
    code: "UndoImpossible",
  });
}

function impossible(canary: Canary, reason: string): Failure {
  return new Failure(`Cannot undo ${nameOf(canary)}: ${reason}`, { code: "UndoImpossible" });
}
