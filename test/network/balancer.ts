/**
 * A plain TCP balancer over nodes on this machine: each connection goes to the next node in turn, and one that refuses
 * it is passed over. It knows nothing of HTTP, keeps nobody to one node and looks at no health page, so that what holds
 * behind it holds behind any balancer.
 */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Lifetime } from '../stage/lifetime.ts'
import { reset } from './reset.ts'

export interface Balancer {
  readonly port: number
  readonly origin: string
  /** Gives the node no new connection; resolves when its last one is closed. */
  readonly drain: (nodePort: number) => Promise<void>
  /** Gives it connections again. */
  readonly admit: (nodePort: number) => void
  /** Connections that each node was given, over all time. */
  readonly given: () => ReadonlyMap<number, number>
}

interface Node {
  readonly port: number
  isDraining: boolean
  given: number
  readonly open: Set<Socket>
  readonly onIdle: (() => void)[]
}

/** Open for a lifetime, with every connection it carries. */
export async function balancer(lifetime: Lifetime, nodePorts: readonly number[]): Promise<Balancer> {
  const nodes = nodePorts.map((port): Node => ({ port, isDraining: false, given: 0, open: new Set(), onIdle: [] }))
  let turn = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, downstream => {
    // Until it is joined, nobody else hears of its breaking.
    downstream.on('error', () => downstream.destroy())
    const first = turn++
    const inTurn = nodes.map((_, step) => nodes[(first + step) % nodes.length]!)
    carry(
      downstream,
      inTurn.filter(node => !node.isDraining),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  lifetime.after(() => {
    server.close()
    for (const { open } of nodes) for (const socket of open) socket.destroy()
  })
  const find = (port: number): Node => {
    const node = nodes.find(one => one.port === port)
    if (node === undefined) throw new Error(`the balancer has no node on port ${port}`)
    return node
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the balancer has no port')
  return {
    port: address.port,
    origin: `http://127.0.0.1:${address.port}`,
    drain: nodePort => {
      const node = find(nodePort)
      node.isDraining = true
      return new Promise(resolve => (node.open.size === 0 ? resolve() : node.onIdle.push(resolve)))
    },
    admit: nodePort => {
      find(nodePort).isDraining = false
    },
    given: () => new Map(nodes.map(node => [node.port, node.given])),
  }
}

/** Joins the connection to the first node that takes it; where none does, it ends with a RST. */
function carry(downstream: Socket, [node, ...others]: readonly Node[]): void {
  if (node === undefined) return reset(downstream)
  const upstream = connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const refused = (): void => carry(downstream, others)
  // It counts as the node's own from the attempt on, so that nothing is on its way to a node that was drained.
  node.open.add(upstream)
  upstream.once('error', refused).once('connect', () => {
    node.given += 1
    upstream.off('error', refused)
    join(downstream, upstream)
  })
  upstream.once('close', () => {
    node.open.delete(upstream)
    if (node.open.size === 0) for (const tell of node.onIdle.splice(0)) tell()
  })
}

/** What either side says or does, its end and its breaking too, reaches the other. */
function join(downstream: Socket, upstream: Socket): void {
  downstream.pipe(upstream).pipe(downstream)
  downstream.on('close', () => upstream.destroy())
  upstream.on('close', () => downstream.destroySoon())
  upstream.on('error', () => reset(downstream))
}
