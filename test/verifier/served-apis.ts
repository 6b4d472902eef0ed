/** One and the same API behind each framework that a guard is for, on a real socket. */

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import {
  type Access,
  accessOf,
  type ApiGuard,
  guardExpress,
  guardFastify,
  guardFetch,
  guardHono,
  guardNode,
  type HonoAccess,
  type Requirement,
} from '@pawl/verifier'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { Lifetime } from '../stage/lifetime.ts'

/** Serves `GET /v1/files` to callers with access, until the lifetime is over; answers the port. */
export type ServeApi = (lifetime: Lifetime, guard: ApiGuard, requirement: Requirement) => Promise<number>

function body({ subject, clientId, binding }: Access): object {
  return { subject, clientId, binding }
}

export const servedApis: { readonly [name: string]: ServeApi } = {
  'plain fetch': async (lifetime, guard, requirement) => {
    const fetch = guardFetch(guard, requirement, (_request, access) => Response.json(body(access)))
    return serveFetch(lifetime, fetch)
  },
  'Hono 4': async (lifetime, guard, requirement) => {
    const app = new Hono<HonoAccess>().basePath('/v1')
    app.get('/files', guardHono(guard, requirement), context => context.json(body(context.get('access'))))
    return serveFetch(lifetime, app.fetch)
  },
  'Express 5': async (lifetime, guard, requirement) => {
    const router = express.Router()
    router.get('/files', guardExpress(guard, requirement), (_request, response) => {
      response.json(body(response.locals['access'] as Access))
    })
    return serveNode(lifetime, express().use('/v1', router))
  },
  'Fastify 5': async (lifetime, guard, requirement) => {
    const app = fastify()
    app.register(
      async v1 => {
        v1.get('/files', { onRequest: guardFastify(guard, requirement) }, async request => body(accessOf(request)))
      },
      { prefix: '/v1' },
    )
    lifetime.after(() => app.close())
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (app.server.address() as AddressInfo).port
  },
  'node:http': async (lifetime, guard, requirement) =>
    serveNode(lifetime, (request, response) => {
      guardNode(guard, request, response, requirement).then(
        access => access !== null && response.writeHead(200).end(JSON.stringify(body(access))),
        () => response.writeHead(500).end(),
      )
    }),
}

async function serveFetch(
  lifetime: Lifetime,
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<number> {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' })
  lifetime.after(() => new Promise<void>(resolve => server.close(() => resolve())))
  await new Promise<void>(resolve => server.once('listening', () => resolve()))
  return (server.address() as AddressInfo).port
}

async function serveNode(lifetime: Lifetime, listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  lifetime.after(() => new Promise<void>(resolve => server.close(() => resolve())))
  return (server.address() as AddressInfo).port
}
