/** A client with its tokens, one server or several behind a balancer, and between them a network that fails as told. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Family } from '@pawl/family'
import { balancer } from '../network/balancer.ts'
import { type FaultProxy, faultProxy } from '../network/fault-proxy.ts'
import { oneConnectionEach } from '../network/one-connection-each.ts'
import { type Holder, type Manner, signedInHolders } from '../processes/holders.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf, browserOf, type Office, openOffice } from '../processes/registered.ts'
import { dataDirectory, startServer } from '../processes/server-process.ts'
import { startShared } from '../processes/two-servers.ts'
import { type App, type Authorization, retryKey } from '../stage/app.ts'
import type { Ground } from '../stage/browser.ts'

export interface Line {
  readonly holder: Holder
  readonly office: Office
  readonly proxy: FaultProxy
  /** Each request on a connection of its own, past the faults. */
  readonly direct: App
  /** Each request on a connection of its own, through the proxy. */
  readonly proxied: App
  /** The same, for requests that somebody stops waiting for. */
  readonly proxiedUntil: (signal: AbortSignal) => App
  /** A fresh code for the holder's client, authorized past the faults. */
  readonly authorize: () => Promise<Authorization>
}

export type Lines = { readonly [manner in Manner]: Line }

/** A client of each manner. Several nodes stand behind a balancer, so that no request meets the node of the one before. */
export async function openLines(test: TestContext, nodes = 1): Promise<Lines> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  const servers = await Promise.all(
    Array.from({ length: nodes }, () => (nodes === 1 ? startServer(test, { data }) : startShared(test, data))),
  )
  const first = servers[0]!
  const ports = servers.map(server => server.port)
  const port = nodes === 1 ? first.port : (await balancer(test, ports)).port
  const proxy = await faultProxy(test, port)
  const proxied = oneConnectionEach(first.issuer, proxy.port)
  const direct = oneConnectionEach(first.issuer, port)
  const browser = browserOf(first)
  const lineOf = (holder: Holder): Line => ({
    holder,
    office,
    proxy,
    direct: appOf(direct, holder.registered),
    proxied: appOf(proxied, holder.registered),
    proxiedUntil: signal => appOf(givingUp(proxied, signal), holder.registered),
    authorize: () => appOf(first, holder.registered).authorize(browser),
  })
  const [confidential, bare, keyed] = await signedInHolders(office, first, 1)
  return { confidential: lineOf(confidential!), bare: lineOf(bare!), keyed: lineOf(keyed!) }
}

function givingUp(ground: Ground, signal: AbortSignal): Ground {
  return { issuer: ground.issuer, send: (path, init) => ground.send(path, { ...init, signal }) }
}

/** What the store has on the family of a token or code. */
export async function rowBehind({ office }: Line, token: string): Promise<Family> {
  const reading = await office.workbench.store.families.read(familyIdIn(token))
  assert.ok(reading !== null, 'the family is gone')
  return reading.family
}

/** Redeems a code as the holder's manner is; a keyed holder sends the retry key of that code. */
export function redeem(app: App, { manner }: Holder, code: Authorization): ReturnType<App['redeem']> {
  return app.redeem(code, {}, manner === 'keyed' ? retryKey(code.code) : {})
}
