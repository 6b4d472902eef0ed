/**
 * Three nodes on one PostgreSQL database behind a plain balancer: real processes with data directories of their own, that
 * have in common what nodes of one deployment have: the database, the issuer and the master key.
 */

import type { ClientWithSecret } from '../../packages/server/src/admin/clients.ts'
import { systemEntropy } from '../../packages/server/src/domain/entropy.ts'
import { formatMasterKeys, masterKeys, newMasterKey } from '../../packages/server/src/domain/keys/master-keys.ts'
import { type Balancer, balancer } from '../network/balancer.ts'
import { oneConnectionEach } from '../network/one-connection-each.ts'
import { databaseOn, sharedCluster } from '../postgres/databases.ts'
import { addClients, type Clients, type Holder, holdersOf } from '../processes/holders.ts'
import { appOf, browserOf, type Office, openOffice } from '../processes/registered.ts'
import { emptyDirectory, pawlJson, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import type { App } from '../stage/app.ts'
import type { Browser, Ground } from '../stage/browser.ts'
import type { Lifetime } from '../stage/lifetime.ts'

export const nodesIssuer = 'http://localhost:7295'

export interface Nodes {
  readonly office: Office
  /** Clients of every manner, and one user, ada@example.com. */
  readonly clients: Clients
  readonly front: Balancer
  /** Behind the balancer: each request meets the next node. */
  readonly ground: Ground
  /** The node at a place as it runs now; places go round. */
  readonly at: (place: number) => ServerProcess
  readonly all: () => readonly ServerProcess[]
  /** Starts the node at a place again, on its port and its data. */
  readonly startAgain: (place: number) => Promise<ServerProcess>
  /** One command of an operator, run to its end on the same database. */
  readonly command: (...words: string[]) => Promise<unknown>
}

export const places = [0, 1, 2] as const

/** An empty database that is dropped in the end. */
export async function freshDatabase(lifetime: Lifetime): Promise<string> {
  const database = await databaseOn(await sharedCluster())
  lifetime.after(() => database.drop())
  return database.url
}

/** What every node of a deployment is told. */
export function environmentOf(databaseUrl: string): { readonly [name: string]: string } {
  const key = newMasterKey(systemEntropy(), 1)
  return { PAWL_STORE: databaseUrl, PAWL_MASTER_KEY: formatMasterKeys(masterKeys([key])) }
}

/** Where the node at a place finds the database, which is at this URL for everybody else. */
export type WayToDatabase = (databaseUrl: string, place: number) => Promise<string>

const directWay: WayToDatabase = databaseUrl => Promise.resolve(databaseUrl)

/** All three start at once, on an empty database. */
export async function startNodes(lifetime: Lifetime, way: WayToDatabase = directWay): Promise<Nodes> {
  const databaseUrl = await freshDatabase(lifetime)
  const environment = environmentOf(databaseUrl)
  const sites = await Promise.all(
    places.map(async place => ({
      data: await emptyDirectory(lifetime),
      port: await stablePort(),
      environment: { ...environment, PAWL_STORE: await way(databaseUrl, place) },
    })),
  )
  const startAt = (place: number): Promise<ServerProcess> => {
    const site = sites[place % sites.length]
    if (site === undefined) throw new Error(`there is no place ${place}`)
    return startServer(lifetime, { ...site, flags: ['--issuer', nodesIssuer] })
  }
  const running = await Promise.all(places.map(startAt))
  const data = await emptyDirectory(lifetime)
  const office = await openOffice(lifetime, data, environment)
  await office.addUser()
  const ports = sites.map(({ port }) => port)
  const front = await balancer(lifetime, ports)
  return {
    office,
    clients: await addClients(office),
    front,
    ground: oneConnectionEach(nodesIssuer, front.port),
    at: place => running[place % running.length]!,
    all: () => running,
    startAgain: async place => {
      const started = await startAt(place)
      running[place % running.length] = started
      return started
    },
    command: (...words) => pawlJson([...words, '--data', data], { environment }),
  }
}

/** Families of every manner, opened behind the balancer. */
export function holdersOn(nodes: Nodes, perManner: number): Promise<Holder[]> {
  return holdersOf(nodes.clients, nodes.ground, perManner)
}

/** A client behind the balancer and at each node, with a browser in which nobody has signed in yet. */
export interface Client {
  readonly registered: ClientWithSecret
  readonly app: App
  readonly appAt: (place: number) => App
  readonly browser: Browser
}

export function clientOn(nodes: Nodes, registered: ClientWithSecret): Client {
  return {
    registered,
    app: appOf(nodes.ground, registered),
    appAt: place => appOf(nodes.at(place), registered),
    browser: browserOf(nodes.ground),
  }
}
