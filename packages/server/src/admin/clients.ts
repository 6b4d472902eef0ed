/**
 * Clients: registered from a kind, changed, given new secrets, removed. A secret is 256 random bits of ours, shown once
 * and kept as a keyed hash. Everything written here is seen by every running server in its next request.
 */

import type { ClientId } from '@pawl/family'
import { type Client, type ClientReading, type SecretHash, usesSecret } from '../domain/client/client.ts'
import { judgeSectorList } from '../domain/client/sector.ts'
import { algorithmsOf } from '../domain/client/client-algorithms.ts'
import { parseClientId } from '../domain/identifiers.ts'
import {
  applyChanges,
  type ClientChanges,
  clientChangesSchema,
  clientOfKind,
  clientRegistrationSchema,
  parseInput,
} from './client-input.ts'
import { judgeClient } from './client-rules.ts'
import { wantSigningKeys } from './signing-keys.ts'
import { newClientSecret } from './client-secret.ts'
import { AdminRefused, InputRefused, operatorEvent, retryWhileMoved, type Workbench } from './workbench.ts'

export const clientsListedMax = 10_000
/** How long an old secret goes on beside the new one, unless said otherwise: a day to roll a deployment. */
export const overlapSecondsDefault = 86_400
export const overlapSecondsMax = 90 * 86_400

export interface ClientWithSecret {
  readonly client: Client
  /** In the clear, this once; null for a client that has none. */
  readonly secret: string | null
}

/** Adds a client. Throws `InputRefused` with a sentence per mistake, `AdminRefused` when the id is taken. */
export async function registerClient(workbench: Workbench, input: unknown): Promise<ClientWithSecret> {
  const registration = parseInput(clientRegistrationSchema, input)
  const id = parseClientId(registration.id)
  if (id === null) {
    throw new InputRefused(['A client id has 1 to 100 letters, digits, dots, dashes, underscores and tildes.'])
  }
  const nowMs = await workbench.store.now()
  const bare = clientOfKind(id, registration, nowMs)
  refuseWrong(bare)
  await refuseUnlisted(workbench, bare)
  const made = usesSecret(bare.authMethod) ? newClientSecret(workbench, bare) : null
  const client = made === null ? bare : { ...bare, secretHashes: [made.kept] }
  const event = operatorEvent(workbench, 'client_added', { clientId: id, atMs: nowMs, detail: { kind: client.kind } })
  const outcome = await workbench.store.clients.add(client, [event])
  if (outcome === 'moved')
    throw new AdminRefused(`There is a client ${id} already: choose another name, or remove it first.`)
  await wantSigningKeys(workbench, algorithmsOf(client))
  return { client, secret: made?.secret ?? null }
}

/** The client as it stands. Throws `AdminRefused` when there is none of that name. */
export async function showClient(workbench: Workbench, name: string): Promise<Client> {
  return (await readClient(workbench, name)).client
}

export async function listClients(workbench: Workbench): Promise<readonly Client[]> {
  return workbench.store.clients.list(clientsListedMax)
}

/** Changes what is named and leaves the rest. The kind stays: it is what every default was chosen by. */
export async function changeClient(workbench: Workbench, name: string, input: unknown): Promise<Client> {
  const changes = parseInput(clientChangesSchema, input)
  const names = Object.keys(changes)
  if (names.length === 0) throw new InputRefused(['Nothing to change was named.'])
  return retryWhileMoved(async () => {
    const { client, version } = await readClient(workbench, name)
    const changed = applyChanges(client, changes)
    refuseWrong(changed)
    await refuseUnlisted(workbench, changed)
    const outcome = await saveChange(workbench, changed, version, changes)
    if (outcome === 'moved') return 'moved'
    await wantSigningKeys(workbench, algorithmsOf(changed))
    return changed
  })
}

/** Makes a new secret; the old one goes on for the overlap, 0 seconds ends it at once (CA-10). */
export async function rotateSecret(
  workbench: Workbench,
  name: string,
  overlapSeconds: number = overlapSecondsDefault,
): Promise<ClientWithSecret> {
  if (!Number.isSafeInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > overlapSecondsMax) {
    throw new InputRefused([`--overlap-seconds is a whole number from 0 to ${overlapSecondsMax}.`])
  }
  return retryWhileMoved(async () => {
    const { client, version } = await readClient(workbench, name)
    refuseWithoutSecret(client)
    const nowMs = await workbench.store.now()
    const { secret, kept } = newClientSecret(workbench, client)
    const old = lastSecret(client, nowMs, overlapSeconds)
    const changed = { ...client, secretHashes: [kept, ...old] }
    const detail = { overlapSeconds }
    const event = operatorEvent(workbench, 'client_secret_rotated', { clientId: client.id, atMs: nowMs, detail })
    const outcome = await workbench.store.clients.change(changed, version, false, [event])
    return outcome === 'moved' ? 'moved' : { client: changed, secret }
  })
}

/** Ends every secret but the newest, at once: for an old one that got into other hands while the new one is in use. */
export async function endOldSecrets(workbench: Workbench, name: string): Promise<Client> {
  return retryWhileMoved(async () => {
    const { client, version } = await readClient(workbench, name)
    refuseWithoutSecret(client)
    const [newest, ...old] = client.secretHashes
    const changed = { ...client, secretHashes: newest === undefined ? [] : [newest] }
    const about = { clientId: client.id, atMs: await workbench.store.now(), detail: { ended: old.length } }
    const events = old.length === 0 ? [] : [operatorEvent(workbench, 'client_secret_rotated', about)]
    // Written also where there was none: what was only read may not be durable yet.
    const outcome = await workbench.store.clients.change(changed, version, false, events)
    return outcome === 'moved' ? 'moved' : changed
  })
}

function refuseWithoutSecret(client: Client): void {
  if (usesSecret(client.authMethod)) return
  const why = client.authMethod === 'none' ? 'it is public' : `it authenticates by ${client.authMethod}`
  throw new AdminRefused(`Client ${client.id} has no secret: ${why}.`)
}

/** How many living families removing the client would end. */
export async function countFamiliesOfClient(workbench: Workbench, name: string): Promise<number> {
  const { id } = await showClient(workbench, name)
  return workbench.store.cutOffs.countLiving({ kind: 'client', clientId: id }, null)
}

/**
 * Removes the client and cuts its families off, in one transaction. It is disabled before that: who asks again, because
 * the answer was lost, still finds the client until nothing more can be opened for it.
 */
export async function removeClient(workbench: Workbench, name: string): Promise<ClientId> {
  return retryWhileMoved(async () => {
    const { client, version } = await readClient(workbench, name)
    if (!client.disabled) {
      await saveChange(workbench, { ...client, disabled: true }, version, { disabled: true })
      return 'moved'
    }
    const event = operatorEvent(workbench, 'client_removed', { clientId: client.id, atMs: await workbench.store.now() })
    const outcome = await workbench.store.clients.remove(client.id, version, [event])
    return outcome === 'moved' ? 'moved' : client.id
  })
}

async function readClient(workbench: Workbench, name: string): Promise<ClientReading> {
  const id = parseClientId(name)
  const reading = id === null ? null : await workbench.store.clients.read(id)
  if (reading === null) throw new AdminRefused(`There is no client ${JSON.stringify(name.slice(0, 100))}.`)
  return reading
}

async function saveChange(
  workbench: Workbench,
  changed: Client,
  version: number,
  changes: ClientChanges,
): Promise<'done' | 'moved'> {
  const detail = { changed: Object.keys(changes).sort().join(' ') }
  const atMs = await workbench.store.now()
  const event = operatorEvent(workbench, 'client_changed', { clientId: changed.id, atMs, detail })
  return workbench.store.clients.change(changed, version, changes.disabled === true, [event])
}

/** A sector that is published elsewhere has to vouch for every redirect URI (OIDC Registration §5). */
async function refuseUnlisted({ outbound }: Workbench, client: Client): Promise<void> {
  const fault = await judgeSectorList(outbound, client)
  if (fault !== null) throw new InputRefused([fault])
}

function refuseWrong(client: Client): void {
  const wrong = judgeClient(client)
  if (wrong.length > 0) throw new InputRefused(wrong)
}

/** The newest secret still valid, with an end. Of three, the oldest is over: two may be valid, never more. */
function lastSecret(client: Client, nowMs: number, overlapSeconds: number): SecretHash[] {
  if (overlapSeconds === 0) return []
  const endsAtMs = nowMs + overlapSeconds * 1000
  const [newest] = client.secretHashes.filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs)
  if (newest === undefined) return []
  return [{ ...newest, expiresAtMs: Math.min(newest.expiresAtMs ?? endsAtMs, endsAtMs) }]
}
