/**
 * The register of resources, as an operator keeps it: added, changed, removed. What is written here is seen by every
 * running server in its next request.
 */

import type { ClientId } from '@pawl/family'
import { isResourceIndicator, parseScope } from '@pawl/protocol'
import { z } from 'zod'
import { signingAlgorithms } from '../domain/client/signing-algorithm.ts'
import type { EventKind } from '../domain/event/event.ts'
import { parseClientId } from '../domain/identifiers.ts'
import { accessTokenFormats, plainResource, type Resource, type ResourceReading } from '../domain/resource/resource.ts'
import { isoInstant } from '../domain/time.ts'
import { parseInput } from './client-input.ts'
import { accessSecondsMax, accessSecondsMin, scopesMax } from './client-rules.ts'
import { wantSigningKeys } from './signing-keys.ts'
import { AdminRefused, InputRefused, operatorEvent, retryWhileMoved, type Workbench } from './workbench.ts'

export const resourcesListedMax = 10_000
export const introspectorsMax = 64

const texts = z.array(z.string().max(4096)).max(128)

/** Everything that can be changed later. Absent: as it is, or as a new resource has it. */
const resourceChangesSchema = z.strictObject({
  audience: z.string().max(4096).optional(),
  scopes: texts.optional(),
  accessTokenFormat: z.enum(accessTokenFormats).nullable().optional(),
  accessSeconds: z.int().nullable().optional(),
  signingAlgorithm: z.enum(signingAlgorithms).optional(),
  introspectors: texts.optional(),
})
type ResourceChanges = z.infer<typeof resourceChangesSchema>

const newResourceSchema = resourceChangesSchema.extend({ indicator: z.string().max(4096) })

/** Adds a resource. Throws `InputRefused` with a sentence per mistake, `AdminRefused` when there is one already. */
export async function addResource(workbench: Workbench, input: unknown): Promise<Resource> {
  const { indicator, ...chosen } = parseInput(newResourceSchema, input)
  const createdAtMs = await workbench.store.now()
  const resource = changedResource(plainResource(indicator, createdAtMs), chosen)
  refuseWrong(resource)
  const event = resourceEvent(workbench, 'resource_added', resource, createdAtMs)
  const outcome = await workbench.store.resources.add(resource, [event])
  if (outcome === 'moved') throw new AdminRefused(`There is a resource ${quoted(indicator)} already.`)
  await wantSigningKeys(workbench, [resource.signingAlgorithm])
  return resource
}

/** The resource as it stands. Throws `AdminRefused` when there is none of that indicator. */
export async function showResource(workbench: Workbench, indicator: string): Promise<Resource> {
  return (await readResource(workbench, indicator)).resource
}

export async function listResources(workbench: Workbench): Promise<readonly Resource[]> {
  return workbench.store.resources.list(resourcesListedMax)
}

/** Changes what is named and leaves the rest. Tokens that are out already stay as they are. */
export async function changeResource(workbench: Workbench, indicator: string, input: unknown): Promise<Resource> {
  const changes = parseInput(resourceChangesSchema, input)
  if (Object.keys(changes).length === 0) throw new InputRefused(['Nothing to change was named.'])
  return retryWhileMoved(async () => {
    const { resource, version } = await readResource(workbench, indicator)
    const changed = changedResource(resource, changes)
    refuseWrong(changed)
    const event = resourceEvent(workbench, 'resource_changed', changed, await workbench.store.now())
    if ((await workbench.store.resources.change(changed, version, [event])) === 'moved') return 'moved'
    await wantSigningKeys(workbench, [changed.signingAlgorithm])
    return changed
  })
}

/** Takes it out of the register: nobody gets a token for it any more. Those that are out run out by themselves. */
export async function removeResource(workbench: Workbench, indicator: string): Promise<Resource> {
  return retryWhileMoved(async () => {
    const { resource, version } = await readResource(workbench, indicator)
    const event = resourceEvent(workbench, 'resource_removed', resource, await workbench.store.now())
    return (await workbench.store.resources.remove(indicator, version, [event])) === 'moved' ? 'moved' : resource
  })
}

export function resourceJson(resource: Resource): { readonly [name: string]: unknown } {
  return {
    resource: resource.indicator,
    audience: resource.audience,
    scopes: resource.scopes,
    access_token_format: resource.accessTokenFormat,
    access_seconds: resource.accessTokenSeconds,
    access_token_signing_alg: resource.signingAlgorithm,
    introspectors: resource.introspectors,
    created_at: isoInstant(resource.createdAtMs),
  }
}

function changedResource(resource: Resource, changes: ResourceChanges): Resource {
  const { accessTokenFormat, accessSeconds, introspectors } = changes
  return {
    ...resource,
    audience: changes.audience ?? resource.audience,
    scopes: changes.scopes === undefined ? resource.scopes : [...new Set(changes.scopes)],
    accessTokenFormat: accessTokenFormat === undefined ? resource.accessTokenFormat : accessTokenFormat,
    accessTokenSeconds: accessSeconds === undefined ? resource.accessTokenSeconds : accessSeconds,
    signingAlgorithm: changes.signingAlgorithm ?? resource.signingAlgorithm,
    introspectors: introspectors === undefined ? resource.introspectors : introspectorsOf(introspectors),
  }
}

/** They need not be registered yet: whoever sets up an API names the client that will ask about its tokens. */
function introspectorsOf(names: readonly string[]): readonly ClientId[] {
  const ids = [...new Set(names)].map(name => {
    const id = parseClientId(name)
    if (id === null) throw new InputRefused([`${quoted(name)} is no client id.`])
    return id
  })
  if (ids.length > introspectorsMax)
    throw new InputRefused([`A resource has at most ${introspectorsMax} introspectors.`])
  return ids
}

function refuseWrong(resource: Resource): void {
  const wrong = judgeResource(resource)
  if (wrong.length > 0) throw new InputRefused(wrong)
}

function judgeResource({ indicator, audience, scopes, accessTokenSeconds }: Resource): string[] {
  const wrong: string[] = []
  if (!isResourceIndicator(indicator)) {
    wrong.push(`${quoted(indicator)} is not a resource indicator: an absolute URI without a fragment (RFC 8707 §2).`)
  }
  if (!/^[!-~]{1,1024}$/.test(audience)) {
    wrong.push(`${quoted(audience)} is not an audience: 1 to 1024 visible characters.`)
  }
  if (scopes.length > scopesMax) wrong.push(`A resource has at most ${scopesMax} scopes.`)
  for (const scope of scopes) {
    if (parseScope(scope)?.length !== 1) wrong.push(`${quoted(scope)} is not a scope (RFC 6749 §3.3).`)
  }
  const isTimely =
    accessTokenSeconds === null || (accessTokenSeconds >= accessSecondsMin && accessTokenSeconds <= accessSecondsMax)
  if (!isTimely) {
    wrong.push(`--access-seconds is a whole number of seconds from ${accessSecondsMin} to ${accessSecondsMax}.`)
  }
  return wrong
}

async function readResource(workbench: Workbench, indicator: string): Promise<ResourceReading> {
  const reading = await workbench.store.resources.read(indicator)
  if (reading === null) throw new AdminRefused(`There is no resource ${quoted(indicator)}.`)
  return reading
}

function resourceEvent(workbench: Workbench, kind: EventKind, resource: Resource, atMs: number) {
  return operatorEvent(workbench, kind, { atMs, detail: { resource: resource.indicator } })
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
