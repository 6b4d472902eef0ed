/** Upstream providers, as an operator keeps them. What is written here is seen by every running server at once. */

import { z } from 'zod'
import { isoInstant } from '../domain/time.ts'
import { sealUpstreamSecret, type Upstream, upstreamsMax } from '../domain/upstream/upstream.ts'
import { parseInput } from './client-input.ts'
import { AdminRefused, InputRefused, operatorEvent, type Workbench } from './workbench.ts'

const newUpstreamSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,49}$/),
  name: z
    .string()
    .regex(/^\P{Cc}{1,60}$/u)
    .optional(),
  issuer: z.string().max(1024),
  clientId: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  clientSecret: z.string().min(1).max(1024).nullable(),
  scopes: z
    .array(z.string().regex(/^[!#-[\]-~]{1,100}$/))
    .max(20)
    .default(['openid', 'email', 'profile']),
  createsUsers: z.boolean().default(false),
})
export type NewUpstreamInput = z.input<typeof newUpstreamSchema>

/** Adds a provider. Throws `InputRefused` with a sentence per mistake, `AdminRefused` where the id is taken. */
export async function addUpstream(workbench: Workbench, input: NewUpstreamInput): Promise<Upstream> {
  const { clientSecret, name, ...wanted } = parseInput(newUpstreamSchema, input)
  const fault = issuerFault(wanted.issuer)
  if (fault !== null) throw new InputRefused([fault])
  const { store, sealer } = workbench
  if ((await store.upstreams.list(upstreamsMax)).length >= upstreamsMax) {
    throw new AdminRefused(`There are ${upstreamsMax} upstream providers already: remove one first.`)
  }
  const upstream: Upstream = {
    ...wanted,
    name: name ?? wanted.id,
    scopes: [...new Set(['openid', ...wanted.scopes])],
    sealedSecret: clientSecret === null ? null : sealUpstreamSecret(sealer, wanted.id, clientSecret),
    createdAtMs: await store.now(),
  }
  const detail = { upstream: upstream.id, issuer: upstream.issuer.slice(0, 500) }
  const event = operatorEvent(workbench, 'upstream_added', { atMs: upstream.createdAtMs, detail })
  if ((await store.upstreams.add(upstream, [event])) === 'done') return upstream
  throw new AdminRefused(`There is an upstream provider ${upstream.id} already.`)
}

export async function listUpstreams(workbench: Workbench): Promise<readonly Upstream[]> {
  return workbench.store.upstreams.list(upstreamsMax)
}

/** Nobody signs in there any more, and who was whom is forgotten. Sessions that were opened so go on. */
export async function removeUpstream(workbench: Workbench, id: string): Promise<void> {
  const event = operatorEvent(workbench, 'upstream_removed', {
    atMs: await workbench.store.now(),
    detail: { upstream: id.slice(0, 50) },
  })
  if ((await workbench.store.upstreams.remove(id, [event])) === 'done') return
  throw new AdminRefused(`There is no upstream provider ${JSON.stringify(id.slice(0, 50))}.`)
}

/** Never the secret. */
export function upstreamJson(upstream: Upstream): { readonly [name: string]: unknown } {
  return {
    id: upstream.id,
    name: upstream.name,
    issuer: upstream.issuer,
    client_id: upstream.clientId,
    has_secret: upstream.sealedSecret !== null,
    scope: upstream.scopes.join(' '),
    creates_users: upstream.createsUsers,
    created_at: isoInstant(upstream.createdAtMs),
  }
}

function issuerFault(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  const isLoopback = url !== null && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  if (url === null || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback))) {
    return '--issuer is the https URL by which the provider calls itself.'
  }
  const isBare = url.search === '' && url.hash === '' && url.username === ''
  return isBare ? null : '--issuer has no query, fragment or user name.'
}
