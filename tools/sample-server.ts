/**
 * Serves every sample page on loopback with its real headers, so that a browser shows what the content security policy lets
 * through. The script that sends a form by itself is left out: the page it stands on would be gone before it is looked at.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { passkeyScript } from '../packages/server/src/http/pages/passkey-script.ts'
import { samplePages } from './sample-pages.ts'

export interface SampleServer {
  readonly names: readonly string[]
  readonly urlOf: (name: string) => string
  readonly close: () => void
}

export async function openSampleServer(): Promise<SampleServer> {
  const pages = samplePages()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const page = pages[path.slice(1)]
    if (page !== undefined) response.writeHead(200, page.headers).end(page.body)
    else if (path === passkeyScript.path)
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(passkeyScript.text)
    // What is not there is answered all the same, so that a complaint of the browser is one about a page.
    else response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    names: Object.keys(pages),
    urlOf: name => `http://127.0.0.1:${port}/${name}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
