/** Three nodes of Pawl on one database, and an operator's office beside them. */

import type { TestContext } from 'node:test'
import { type Office, openOffice } from '../processes/registered.ts'
import { emptyDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'

export interface Fleet {
  readonly nodes: readonly ServerProcess[]
  readonly office: Office
  /** Where the nodes find their master key. */
  readonly data: string
  /** What a command line needs to work on the same database. */
  readonly environment: { readonly [name: string]: string }
}

export const nodesCount = 3
const issuer = 'http://localhost:7295'

export async function startFleet(test: TestContext, url: string): Promise<Fleet> {
  const data = await emptyDirectory(test)
  const environment = { PAWL_STORE: url, PAWL_SYNC_STANDBYS: '1' }
  const office = await openOffice(test, data, environment)
  const nodes: ServerProcess[] = []
  for (let count = 0; count < nodesCount; count++) nodes.push(await startNode(test, data, environment))
  return { nodes, office, data, environment }
}

export async function startNode(
  test: TestContext,
  data: string,
  environment: { readonly [name: string]: string },
): Promise<ServerProcess> {
  const flags = ['--issuer', issuer, '--workers', '1']
  return startServer(test, { data, port: await stablePort(), flags, environment })
}
