/** A function of fetch's types on a port of this machine. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { nodeHandler } from '@pawl/bff/node'

export interface Served {
  close(): Promise<void>
}

export async function serve(
  answer: (request: Request) => Promise<Response | null>,
  port: number,
  origin: string,
): Promise<Served> {
  const handle = nodeHandler(answer, origin)
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error(error)
      response.destroy()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
