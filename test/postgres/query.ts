/** One statement on a connection of its own. */

import { Client } from 'pg'

type Row = { readonly [column: string]: unknown }

const connectMsMax = 60_000

export async function ask(url: string, statement: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
  return withClient(url, async client => (await client.query<Row>(statement, [...values])).rows)
}

/** A connection for several statements; closed in the end. */
export async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectMsMax })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
