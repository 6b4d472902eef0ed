/** `fetch` in TLS with an authority and a certificate of its own, which the one of the platform has no way to say. */

import { request as send } from 'node:https'
import type { ClientCertificate } from './client-certificates.ts'

export type TlsFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

/** Trusts this authority alone, shows the certificate where there is one, and follows no redirect. */
export function tlsFetch(authority: string, shown?: ClientCertificate): TlsFetch {
  const tls = { ca: authority, ...(shown && { cert: shown.pem, key: shown.privateKey }) }
  return async (url, init) => {
    const request = new Request(url, init)
    const body = Buffer.from(await request.arrayBuffer())
    const headers = Object.fromEntries(request.headers)
    return new Promise((resolve, reject) => {
      send(request.url, { ...tls, method: request.method, headers, agent: false })
        .on('error', reject)
        .on('response', response => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode = 0, rawHeaders } = response
            const received = new Headers()
            for (let at = 0; at < rawHeaders.length; at += 2) received.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
            const isEmpty = statusCode === 204 || statusCode === 304
            resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status: statusCode, headers: received }))
          })
        })
        .end(body)
    })
  }
}
