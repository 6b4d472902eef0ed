/** One story, told behind each framework: what is the backend's, what is the application's, and what streams. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Bff } from '@pawl/bff'
import { fastifyBff } from '@pawl/bff/fastify'
import { honoBff, nextBff } from '@pawl/bff/fetch'
import { nodeHandler } from '@pawl/bff/node'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { openBff, origin, type Visitor } from './bff-ground.ts'

/** What answers requests for the application: over a socket where the framework is made for one. */
type Serve = (test: TestContext, bff: Bff) => Promise<(request: Request) => Promise<Response>>

const frameworks: { readonly [name: string]: Serve } = {
  'node:http': async (test, bff) => {
    const handle = nodeHandler(bff, origin)
    return overSocket(
      test,
      createServer((request, response) => {
        handle(request, response, () => response.end('own page')).catch((error: unknown) =>
          response.destroy(error as Error),
        )
      }),
    )
  },
  'Express 5': async (test, bff) => {
    const app = express()
    app.use(nodeHandler(bff, origin))
    app.use(express.json())
    app.use((_request, response) => void response.send('own page'))
    return overSocket(test, createServer(app))
  },
  'Fastify 5': async (test, bff) => {
    const app = fastify()
    app.addHook('onRequest', fastifyBff(bff, origin))
    app.get('/*', async () => 'own page')
    await app.ready()
    test.after(() => app.close())
    return overSocket(test, app.server)
  },
  'Hono 4': async (_test, bff) => {
    const app = new Hono()
    app.use(honoBff(bff))
    app.get('*', context => context.text('own page'))
    return async request => app.fetch(request)
  },
  'Next.js route handlers': async (_test, bff) => {
    const handlers = nextBff(bff)
    return async request => {
      const { pathname } = new URL(request.url)
      const isRouted = pathname.startsWith('/bff/') || pathname.startsWith('/api/')
      return isRouted ? handlers[request.method as 'GET'](request) : new Response('own page')
    }
  },
}

async function overSocket(test: TestContext, server: Server): Promise<(request: Request) => Promise<Response>> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return request => {
    const { pathname, search } = new URL(request.url)
    const { method, headers, body, signal } = request
    // A fetch takes no cookies and no browser's headers of its own accord; these are a browser's.
    return fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
      method,
      headers,
      signal,
      redirect: 'manual',
      ...(body === null ? {} : { body, duplex: 'half' as const }),
    })
  }
}

for (const [name, serve] of Object.entries(frameworks)) {
  describe(`a backend in ${name}`, () => {
    it('signs in, forwards, streams, signs out, and leaves the rest to the application', async test => {
      const { bff, visitor, answerApi, reached } = await openBff(test)
      const answer = await serve(test, bff)
      const ada: Visitor = visitor(answer)
      assert.equal(await (await ada.navigate('/'))?.text(), 'own page')
      await ada.signIn('/notes')
      assert.equal(ada.jar.size, 1, 'the session alone')
      answerApi(
        async request =>
          new Response(`${request.method} ${await request.text()}`, { status: 201, headers: { 'x-api': 'yes' } }),
      )
      const posted = await ada.send('/api/notes?a=1&a=2', {
        method: 'POST',
        body: 'ein Zettel',
        headers: { 'content-type': 'text/plain' },
      })
      assert.deepEqual(
        [posted?.status, posted?.headers.get('x-api'), await posted?.text()],
        [201, 'yes', 'POST ein Zettel'],
      )
      assert.match(reached[0]?.url ?? '', /\/v1\/notes\?a=1&a=2$/)
      answerApi(() => new Response(null, { status: 204 }))
      assert.equal((await ada.send('/api/notes', { method: 'DELETE' }))?.status, 204)
      const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>()
      answerApi(() => new Response(readable, { headers: { 'content-type': 'text/event-stream' } }))
      const reader = (await ada.send('/api/events'))?.body?.getReader()
      const writer = writable.getWriter()
      const written = writer.write(new TextEncoder().encode('data: now\n\n'))
      assert.equal(new TextDecoder().decode((await reader?.read())?.value), 'data: now\n\n')
      await written
      await writer.close()
      assert.equal((await ada.send('/api/notes', { headers: { 'x-bff': '0' } }))?.status, 403)
      assert.equal((await ada.send('/bff/sign-out', { method: 'POST' }))?.status, 200)
      assert.equal((await ada.send('/api/notes'))?.status, 401)
    })
  })
}
