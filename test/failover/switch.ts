/**
 * One address that leads to the primary of the moment, as HAProxy, a virtual address or a service of Kubernetes does for
 * an operator: when it is pointed elsewhere, the connections to the old place are cut, so that nobody stays behind there.
 * They end without `resetAndDestroy`: after a half-closed connection that ended so, Node 26 cannot exit.
 */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export interface Switch {
  readonly port: number
  /** New connections go there, and those to another place are cut. Null: nowhere, they are refused. */
  readonly leadTo: (targetPort: number | null) => void
  /** Like `leadTo`, but whoever is connected stays where they are: the mistake that fencing is for. */
  readonly leadNewTo: (targetPort: number) => void
}

export async function startSwitch(test: TestContext): Promise<Switch> {
  const open = new Set<Socket>()
  let target: number | null = null
  const server = createServer({ noDelay: true }, downstream => {
    downstream.on('error', () => downstream.destroy())
    if (target === null) return void downstream.destroy()
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true })
    open.add(upstream)
    upstream.on('error', () => downstream.destroy())
    upstream.on('close', () => {
      open.delete(upstream)
      downstream.destroy()
    })
    downstream.on('close', () => upstream.destroy())
    downstream.pipe(upstream).pipe(downstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  test.after(() => {
    server.close()
    cut()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the switch has no port')
  return {
    port: address.port,
    leadTo: targetPort => {
      if (target !== targetPort) cut()
      target = targetPort
    },
    leadNewTo: targetPort => {
      target = targetPort
    },
  }
}
