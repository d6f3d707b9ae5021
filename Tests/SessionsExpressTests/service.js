// An Express application that keeps its sessions as express-session does with connect-redis and connect-pg-simple.
//
// Those three are in no package of a system. Express is, and so are their parts: `cookie`, `cookie-signature`, `redis` and `pg`
// are the packages that they use. What is done with them here is written anew, as their documentation and their rows have it.
//
//     node service.js MODULES '{"store":"redis","url":"redis://localhost","secrets":["keyboard cat"],"requests":[…]}'
//
// Each request has the Cookie field of a client and what its handler does: ["increment","visits"], ["set","user","bob"],
// ["delete","user"], ["regenerate"], ["destroy"]. It is answered with one line: the id, the session and the Set-Cookie field.
// Requests are sent one after the other, over HTTP on this machine, as by a proxy that ends TLS; with "scheme":"http" the
// request has come to the proxy in the clear, and gets no cookie, as all of them are Secure.
//
// With "port" in place of "requests" it is a server on this machine, for a browser: 0 takes a free port, and the first line
// says which. `GET /?do=[["increment","visits"]]` is a request, and its answer is the id and the session.
'use strict'

process.env.NODE_PATH = process.argv[2]
require('module').Module._initPaths()

const crypto = require('crypto')
const http = require('http')
const { once } = require('events')
const cookies = require('cookie')
const express = require('express')
const signature = require('cookie-signature')

const settings = JSON.parse(process.argv[3])
const name = settings.name ?? 'connect.sid'
const maxAge = settings.maxAge ?? null
const dayInSeconds = 86400

function secondsToLive (session) {
  const expires = session.cookie.expires
  return expires ? Math.ceil((Number(new Date(expires)) - Date.now()) / 1000) : dayInSeconds
}

async function redisStore () {
  const client = require('redis').createClient({ url: settings.url })
  await client.connect()
  const key = id => (settings.prefix ?? 'sess:') + id
  return {
    async get (id) {
      const text = await client.get(key(id))
      return text ? JSON.parse(text) : null
    },
    async set (id, session) {
      const life = secondsToLive(session)
      if (life > 0) await client.set(key(id), JSON.stringify(session), { EX: life })
      else await client.del(key(id))
    },
    destroy: id => client.del(key(id)),
    close: () => client.quit()
  }
}

async function postgresStore () {
  const client = new (require('pg').Client)({ connectionString: settings.url })
  await client.connect()
  const table = `"${settings.table ?? 'session'}"`
  return {
    async get (id) {
      const now = Math.ceil(Date.now() / 1000)
      const sql = `SELECT sess FROM ${table} WHERE sid = $1 AND expire >= to_timestamp($2)`
      const row = (await client.query(sql, [id, now])).rows[0]
      return row ? (typeof row.sess === 'string' ? JSON.parse(row.sess) : row.sess) : null
    },
    async set (id, session) {
      const expire = Math.ceil(Date.now() / 1000) + secondsToLive(session)
      const sql = `INSERT INTO ${table} (sess, expire, sid) SELECT $1, to_timestamp($2), $3 ` +
        'ON CONFLICT (sid) DO UPDATE SET sess=$1, expire=to_timestamp($2) RETURNING sid'
      await client.query(sql, [JSON.stringify(session), expire, id])
    },
    destroy: id => client.query(`DELETE FROM ${table} WHERE sid = $1`, [id]),
    close: () => client.end()
  }
}

// The id of a Cookie field, if one of the secrets has signed it.
function signedID (field) {
  const value = cookies.parse(field ?? '')[name]
  if (value === undefined || !value.startsWith('s:')) return undefined
  for (const secret of settings.secrets) {
    const id = signature.unsign(value.slice(2), secret)
    if (id !== false) return id
  }
  return undefined
}

function newSession () {
  return { cookie: { originalMaxAge: maxAge, expires: null, secure: true, httpOnly: true, path: '/', sameSite: 'lax' } }
}

// The middleware: the request's session, and what becomes of it once the handler is done with it.
function sessions (store) {
  return async (request, response, next) => {
    const presented = signedID(request.headers.cookie)
    const stored = presented === undefined ? null : await store.get(presented)
    if (stored !== null && stored.cookie === undefined) throw new Error('a session without the settings of its cookie')

    const begin = () => {
      request.sessionID = crypto.randomBytes(24).toString('base64url')
      request.session = newSession()
    }
    if (stored === null) {
      begin()
    } else {
      request.sessionID = presented
      request.session = stored
    }
    const values = () => JSON.stringify({ ...request.session, cookie: undefined })
    const before = values()

    request.regenerateSession = async () => {
      await store.destroy(request.sessionID)
      begin()
    }
    request.destroySession = async () => {
      await store.destroy(request.sessionID)
      request.session = null
    }
    request.commitSession = async () => {
      const { sessionID: id, session } = request
      if (session === null) return
      const isChanged = values() !== before || id !== presented
      if (session.cookie.originalMaxAge) {
        session.cookie.expires = new Date(Date.now() + session.cookie.originalMaxAge)
      }
      // `resave: true`, as by default, saves what has not changed, too.
      if (isChanged || settings.resave) await store.set(id, session)
      if (!isChanged || (id === presented && !session.cookie.expires)) return
      const { httpOnly, path, sameSite, secure, expires } = session.cookie
      if (secure && !request.secure) return
      const options = { httpOnly, path, sameSite, secure }
      if (expires) options.expires = new Date(expires)
      const value = 's:' + signature.sign(id, settings.secrets[0])
      response.append('Set-Cookie', cookies.serialize(name, value, options))
    }
    next()
  }
}

async function handle (request, response) {
  for (const [verb, key, value] of JSON.parse(request.query.do ?? '[]')) {
    const { session } = request
    switch (verb) {
      case 'increment': session[key] = (session[key] ?? 0) + 1; break
      case 'set': session[key] = value; break
      case 'delete': delete session[key]; break
      case 'regenerate': await request.regenerateSession(); break
      case 'destroy': await request.destroySession(); break
      default: throw new Error(`no verb ${verb}`)
    }
    if (request.session === null) break
  }
  await request.commitSession()
  const { sessionID: id, session } = request
  response.set('Cache-Control', 'no-store').type('text').send(JSON.stringify({ id, session }))
}

function application (store) {
  // Express 4 does not wait for what a handler promises.
  const waiting = handler => (request, response, next) => handler(request, response, next).catch(next)
  const app = express()
  app.set('trust proxy', 1)
  app.set('etag', false)
  // What browsers ask for on their own has no session, and is nowhere.
  app.get('/', waiting(sessions(store)), waiting(handle))
  app.use((error, request, response, next) => response.status(500).type('text').send(String(error)))
  return app
}

// Serves the application on this machine, each request with what the proxy in front of it says.
async function listen (store, port) {
  const app = application(store)
  const server = http.createServer((request, response) => {
    request.headers['x-forwarded-proto'] ??= 'https'
    app(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

// Sends one request to the application, and says what it answers.
async function send (port, { cookie, scheme, do: verbs }) {
  const path = '/?' + new URLSearchParams({ do: JSON.stringify(verbs ?? []) })
  const headers = {}
  if (cookie !== undefined) headers.Cookie = cookie
  if (scheme !== undefined) headers['X-Forwarded-Proto'] = scheme
  const [response] = await once(http.get({ host: '127.0.0.1', port, path, headers, agent: false }), 'response')
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += part
  if (response.statusCode !== 200) throw new Error(`${response.statusCode}: ${text}`)
  return { ...JSON.parse(text), setCookie: response.headers['set-cookie']?.[0] ?? null }
}

async function main () {
  const store = await (settings.store === 'redis' ? redisStore() : postgresStore())
  const server = await listen(store, settings.port ?? 0)
  const { port } = server.address()
  if (settings.port !== undefined) return console.log(port)
  for (const request of settings.requests) console.log(JSON.stringify(await send(port, request)))
  server.close()
  await store.close()
  process.exit(0)
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
