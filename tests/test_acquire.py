"Getting data: a rude server, damaged and hostile archives, a killed download. Nothing leaves this machine."
import contextlib, hashlib, io, json, os, shutil, signal, stat, subprocess, sys, textwrap, threading, time, zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import numpy as np, pandas as pd, pytest, yaml
from PIL import Image
from conftest import ROOT
from skinnb.archives import acquire, at_hand, fetch, made_up, manifest, unpack, verify
from skinnb.cohorts import data_name, images, load, masks
from skinnb.editions import make_edition
from skinnb.editions import pack as pack_frame

BODY = np.random.default_rng(0).bytes(200_000)
SHA = hashlib.sha256(BODY).hexdigest()

class Handler(BaseHTTPRequestHandler):
    "What a path does is in its first part; `seen` remembers (path, first byte asked for)."
    protocol_version = "HTTP/1.1"
    def log_message(self, *args): pass
    def _send(self, start, data=BODY, status=None, announce=None, span=None):
        self.send_response(status or (206 if start else 200))
        self.send_header("Content-Length", str(len(data) - start if announce is None else announce))
        if start or span: self.send_header("Content-Range", span or f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
    def do_GET(self):
        asked = self.headers.get("Range")
        start, kind = int(asked[6:-1]) if asked else 0, self.path.split("/")[1]
        seen = self.server.seen
        seen.append((self.path, start))
        turn = sum(p == self.path for p, _ in seen)
        if kind == "missing": return self._send(0, b"", 404)
        if kind == "busy" and turn < 3: return self._send(0, b"", 503)
        if start >= len(BODY): return self._send(0, b"", 416, span=f"bytes */{len(BODY)}")
        if kind == "shifted" and start: # a server that answers with another range than asked for
            self._send(start - 7); return self.wfile.write(BODY[start - 7:])
        if kind == "norange":
            self._send(0); return self.wfile.write(BODY[:120_000] if turn == 1 else BODY)
        if kind == "wrong":
            self._send(start); return self.wfile.write(bytes(len(BODY) - start))
        if kind == "short": # a whole answer, but of a shorter file
            self._send(start, BODY[:1000]); return self.wfile.write(BODY[start:1000])
        self._send(start)
        if kind == "slow":
            with contextlib.suppress(OSError):
                for k in range(start, len(BODY), 4000): self.wfile.write(BODY[k:k + 4000]); self.wfile.flush(); time.sleep(.05)
            return
        self.wfile.write(BODY[start:start + 70_000] if kind == "drop" else BODY[start:])

@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.seen = True, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.at = lambda path: f"http://127.0.0.1:{server.server_port}/{path}"
    yield server
    server.shutdown(); server.server_close()

quick = dict(wait=0, timeout=10, tries=3)

def test_dropped_connections_are_continued(web, tmp_path):
    got = fetch([web.at("drop/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick)
    assert got.read_bytes() == BODY and not list(tmp_path.glob("*.part"))
    assert [s for _, s in web.seen] == [0, 70_000, 140_000]

def test_server_without_ranges_starts_again(web, tmp_path):
    assert fetch([web.at("norange/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick).read_bytes() == BODY
    assert [s for _, s in web.seen] == [0, 120_000]

def test_answer_with_another_range_is_not_glued(web, tmp_path):
    (tmp_path/"a.bin.part").write_bytes(BODY[:5000])
    assert fetch([web.at("shifted/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick).read_bytes() == BODY
    assert [s for _, s in web.seen] == [5000, 0]

def test_wrong_bytes_are_named_and_removed(web, tmp_path):
    with pytest.raises(ValueError) as e: fetch([web.at("wrong/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick)
    assert "a.bin: SHA-256" in str(e.value) and SHA in str(e.value) and hashlib.sha256(bytes(len(BODY))).hexdigest() in str(e.value)
    assert not list(tmp_path.iterdir())

def test_shorter_file_is_named_and_removed(web, tmp_path):
    with pytest.raises(ValueError, match="a.bin: 200000 bytes expected, 1000 found: truncated"): fetch([web.at("short/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick)
    assert not list(tmp_path.iterdir())

def test_stale_beginning_is_thrown_away_once(web, tmp_path):
    "A .part of another version: the sum is wrong, so the file is fetched anew."
    (tmp_path/"a.bin.part").write_bytes(bytes(60_000))
    assert fetch([web.at("good/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick).read_bytes() == BODY
    assert [s for _, s in web.seen] == [60_000, 0]

@pytest.mark.parametrize("size", [None, len(BODY)])
def test_whole_part_is_used(web, tmp_path, size):
    "Killed after the last byte but before the renaming."
    (tmp_path/"a.bin.part").write_bytes(BODY)
    assert fetch([web.at("good/a.bin")], tmp_path/"a.bin", size, SHA, **quick).read_bytes() == BODY
    assert len(web.seen) == (size is None)

def test_busy_server_is_asked_again_and_a_missing_file_is_not(web, tmp_path):
    assert fetch([web.at("missing/a.bin"), web.at("busy/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick).exists()
    assert [p for p, _ in web.seen] == ["/missing/a.bin"] + ["/busy/a.bin"]*3

def test_nothing_reachable_says_which_file_and_why(web, tmp_path):
    with pytest.raises(ConnectionError, match="a.bin could not be downloaded.*404"): fetch([web.at("missing/a.bin")], tmp_path/"a.bin", **quick)
    with pytest.raises(ConnectionError, match="a.bin could not be downloaded"): fetch(["http://127.0.0.1:9/a.bin"], tmp_path/"a.bin", **quick)

def test_killed_download_is_continued(web, tmp_path):
    code = f"from skinnb.cohorts import fetch; fetch([{web.at('slow/a.bin')!r}], {str(tmp_path/'a.bin')!r}, {len(BODY)}, {SHA!r})"
    victim = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    part, end = tmp_path/"a.bin.part", time.time() + 120
    while not (part.exists() and part.stat().st_size > 20_000):
        assert victim.poll() is None and time.time() < end
        time.sleep(.02)
    victim.send_signal(signal.SIGKILL); victim.wait()
    have = part.stat().st_size
    assert 0 < have < len(BODY) and not (tmp_path/"a.bin").exists()
    assert fetch([web.at("good/a.bin")], tmp_path/"a.bin", len(BODY), SHA, **quick).read_bytes() == BODY
    assert web.seen[-1] == ("/good/a.bin", have)

# Archives

def pack(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, content in members: z.writestr(name, content)
    return path

def special(name, kind):
    info = zipfile.ZipInfo(name); info.external_attr = (kind | 0o777) << 16
    return info

@pytest.mark.parametrize("member, said", [
    ("../evil", "leaves the folder"), ("a/../../evil", "leaves the folder"), ("/evil", "absolute"), ("\\evil", "absolute"), ("C:/evil", "absolute"), ("a\\..\\evil", "absolute"),
    (special("link", stat.S_IFLNK), "a link"), (special("pipe", stat.S_IFIFO), "a link or a special file"),
])
def test_hostile_names_write_nothing(member, said, tmp_path):
    archive = pack(tmp_path/"evil.zip", ("good.txt", "x"), (member, "/etc/passwd"))
    with pytest.raises(ValueError, match=said): unpack(archive, tmp_path/"in"/"out")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["evil.zip"]

def test_bombs_and_twins(tmp_path):
    bomb = pack(tmp_path/"bomb.zip", ("zeros", bytes(20_000_000)))
    with pytest.raises(ValueError, match="bomb.zip: 20000000 bytes"): unpack(bomb, tmp_path/"out")
    with pytest.raises(ValueError, match="bomb.zip"): unpack(bomb, tmp_path/"out", max_ratio=1e9, max_bytes=1e6)
    with pytest.raises(ValueError, match="same name"): unpack(pack(tmp_path/"twins.zip", ("a.txt", "1"), ("A.txt", "2")), tmp_path/"out")
    assert not (tmp_path/"out").exists()

def test_bomb_that_lies_about_its_size(tmp_path):
    "The directory says 10 bytes, the data unfold to more: the checksum finds out and no more than 10 are written."
    raw = pack(tmp_path/"liar.zip", ("zeros", bytes(1_000_000))).read_bytes()
    (tmp_path/"liar.zip").write_bytes(raw.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="'zeros' is damaged"): unpack(tmp_path/"liar.zip", tmp_path/"out")
    assert sum(p.stat().st_size for p in (tmp_path/"out").rglob("*")) <= 4096 + 10

# A whole data set, laid out like HAM10000

def jpeg(a):
    out = io.BytesIO(); Image.fromarray(a).save(out, "JPEG"); return out.getvalue()

def png(a):
    out = io.BytesIO(); Image.fromarray(a).save(out, "PNG"); return out.getvalue()

def entry(folder, name, role, url=()):
    return dict(name=name, role=role, path=name, url=list(url), size=(folder/name).stat().st_size, sha256=verify(folder/name))

@pytest.fixture
def ham(tmp_path, monkeypatch):
    "A small data set as (folder of archives, manifest)."
    monkeypatch.setenv("SKINNB_CACHE", str(tmp_path/"cache"))
    monkeypatch.delenv("SKINNB_DATA", raising=False)
    src, rng = tmp_path/"archives", np.random.default_rng(0)
    src.mkdir()
    ids = [f"ISIC_{k}" for k in range(6)]
    pack(src/"images.zip", *[(f"{i}.jpg", jpeg(rng.integers(0, 255, (12, 20, 3), np.uint8))) for i in ids])
    pack(src/"masks.zip", *[(f"{i}_segmentation.png", png(np.full((12, 20), 255, np.uint8))) for i in ids])
    pd.DataFrame(dict(lesion_id=[f"HAM_{k//2}" for k in range(6)], image_id=ids, dx="nv", dx_type="histo", age=[40, None]*3, sex=["male", "unknown"]*3, localization="back")).to_csv(src/"metadata.csv", index=False)
    return src, {"ham10000": dict(address="nowhere", editions={"official": [entry(src, "images.zip", "images"), entry(src, "metadata.csv", "metadata"), entry(src, "masks.zip", "lesion")]})}

def test_local_archives_to_pictures(ham):
    src, book = ham
    frame = load("ham10000", source=src, book=book)
    assert images(frame, 8).shape == (6, 8, 8, 3) and masks(frame, 8).all()
    assert frame.age.isna().sum() == 3 and frame.sex.isna().sum() == 3 and frame.lesion_id.nunique() == 3

def test_second_call_does_nothing(ham, tmp_path):
    src, book = ham
    folder = acquire("ham10000", source=src, book=book)
    stamp = json.loads((folder/"images/.stamp.json").read_text())
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}
    for p in src.iterdir(): p.unlink()
    assert acquire("ham10000", source=src, book=book) == folder
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == before
    assert stamp["sha256"] == book["ham10000"]["editions"]["official"][0]["sha256"]

def test_missing_truncated_and_changed_archive(ham):
    src, book = ham
    whole = (src/"images.zip").read_bytes()
    (src/"images.zip").unlink()
    with pytest.raises(FileNotFoundError, match="images.zip is missing and has no address"): acquire("ham10000", source=src, book=book)
    (src/"images.zip").write_bytes(whole[:-100])
    with pytest.raises(ValueError, match=f"images.zip: {len(whole)} bytes expected, {len(whole) - 100} found: truncated"): acquire("ham10000", source=src, book=book)
    (src/"images.zip").write_bytes(bytes(len(whole)))
    with pytest.raises(ValueError, match="images.zip: SHA-256 .* expected, .* found"): acquire("ham10000", source=src, book=book)
    (src/"images.zip").write_bytes(whole)
    assert (acquire("ham10000", source=src, book=book)/"images/ISIC_0.jpg").exists()

def test_half_unpacked_folder_is_made_again(ham, tmp_path):
    "What a kill leaves behind: a temporary folder, or a folder without its stamp."
    src, book = ham
    folder = tmp_path/"cache/ham10000/official"
    for name in (".images.part", "images"): (folder/name).mkdir(parents=True); (folder/name/"debris.jpg").write_bytes(b"x")
    acquire("ham10000", source=src, book=book)
    assert sorted(p.name for p in (folder/"images").iterdir()) == [".stamp.json"] + [f"ISIC_{k}.jpg" for k in range(6)]
    assert not (folder/".images.part").exists()

def test_hostile_archive_with_the_right_hash(ham, tmp_path):
    src, book = ham
    pack(src/"images.zip", ("../evil", "x"))
    book["ham10000"]["editions"]["official"][0] = entry(src, "images.zip", "images")
    with pytest.raises(ValueError, match="'../evil' is refused"): acquire("ham10000", source=src, book=book)
    assert not list(tmp_path.rglob("evil"))

def test_downloaded_data_set(web, ham, tmp_path):
    "The table comes from the server, in pieces; without a known hash there is a warning that tells the hash."
    src, book = ham
    (tmp_path/"body.csv").write_bytes(BODY)
    files = [dict(name="body.csv", role="metadata", path="body.csv", url=[web.at("drop/body.csv")], size=None, sha256=None)]
    book = {"ham10000": dict(address="nowhere", editions={"official": files})}
    with pytest.warns(UserWarning, match=SHA): folder = acquire("ham10000", book=book, **quick)
    assert (folder/"body/body.csv").read_bytes() == BODY
    seen = len(web.seen)
    assert acquire("ham10000", book=book, **quick) == folder and len(web.seen) == seen

def test_rows_and_files_must_match(ham):
    src, book = ham
    folder = acquire("ham10000", source=src, book=book)
    (folder/"images/ISIC_3.jpg").rename(folder/"images/ISIC_9.jpg")
    with pytest.raises(ValueError, match="1 files .* have no row, the first is .*ISIC_9.jpg"): load("ham10000", source=src, book=book)
    (folder/"images/ISIC_9.jpg").unlink()
    with pytest.raises(ValueError, match="1 rows have no file .* the first is 'ISIC_3'"): load("ham10000", source=src, book=book)

def test_damaged_picture_is_named_and_leaves_no_array(ham, tmp_path):
    src, book = ham
    frame = load("ham10000", source=src, book=book)
    p = Path(frame.path[2]); p.write_bytes(p.read_bytes()[:200])
    with pytest.raises(ValueError, match="ISIC_2.jpg is not a readable picture"): images(frame, 8)
    assert not list((tmp_path/"cache/decoded").glob("*.npy"))

def test_changed_picture_is_decoded_again(ham):
    src, book = ham
    frame = load("ham10000", source=src, book=book)
    before = np.array(images(frame, 8))
    Path(frame.path[2]).write_bytes(jpeg(np.zeros((12, 20, 3), np.uint8)))
    assert images(frame, 8)[2].max() == 0 and before[2].max() > 0

# The cache of decoded pictures

def python(code, **env):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, **env}, cwd=ROOT,
                          capture_output=True, text=True, timeout=120)

decode = """
    import resource
    from skinnb.archives import manifest
    from skinnb.cohorts import images, load
    frame = load("ham10000", source=r"{src}", book=manifest(r"{src}/book.yaml"))
    {limit}
    try: print("made", images(frame, 128).shape)
    except OSError as e: print("refused", e.errno, e)
"""

def test_no_room_for_pictures_is_an_error_with_a_name(ham, tmp_path):
    "The system refuses to let the mapped file grow: an OSError that names it, the process lives, no debris stays."
    src, book = ham
    (src/"book.yaml").write_text(yaml.safe_dump(book))
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    done = python(decode.format(src=src, limit=limit))
    assert done.returncode == 0 and "refused 27 [Errno 27] no room for decoded pictures" in done.stdout, done.stderr
    assert "ham10000-6-128-" in done.stdout and not [p for p in (tmp_path/"cache/decoded").iterdir() if p.suffix != ".lock"]
    assert "made (6, 128, 128, 3)" in python(decode.format(src=src, limit="")).stdout

def test_full_disk_under_the_cache(ham, tmp_path):
    "A real disk of 200 kB: the room is taken before a pixel is written, so nobody is killed by SIGBUS."
    src, book = ham
    (src/"book.yaml").write_text(yaml.safe_dump(book))
    load("ham10000", source=src, book=book)
    small = tmp_path/"cache"/"decoded"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode: pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        done = python(decode.format(src=src, limit=""))
        assert done.returncode == 0 and "refused 28 [Errno 28] no room for decoded pictures" in done.stdout, done.stderr
        assert "295056 bytes are needed" in done.stdout and [p.suffix for p in small.iterdir()] == [".lock"]
        late = "import shutil; shutil.disk_usage = lambda p: shutil._ntuple_diskusage(10**12, 0, 10**12)"
        done = python(decode.format(src=src, limit=late)) # another process took the room after we had looked
        assert done.returncode == 0 and "refused 28 [Errno 28] no room for decoded pictures (No space" in done.stdout
        blind = python(f"""
            import numpy as np
            a = np.lib.format.open_memmap(r"{small/'blind.npy'}", mode="w+", dtype=np.uint8, shape=(6, 128, 128, 3))
            a[:] = 1
        """)
        assert blind.returncode == -signal.SIGBUS, "the fault that the check above is about does not happen here"
    finally: subprocess.run(["umount", small], check=True)

def test_killed_decoding_leaves_no_debris(ham, tmp_path):
    src, book = ham
    (src/"book.yaml").write_text(yaml.safe_dump(book))
    slow = "import time, skinnb.cohorts as c; read = c.read_image; c.read_image = lambda *a: time.sleep(60)"
    code = textwrap.dedent(decode.format(src=src, limit=slow))
    victim = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    at, end = tmp_path/"cache/decoded", time.time() + 60
    while not list(at.glob(".*.npy")): assert victim.poll() is None and time.time() < end; time.sleep(.02)
    victim.send_signal(signal.SIGKILL); victim.wait()
    assert not list(at.glob("[!.]*.npy"))
    assert images(load("ham10000", source=src, book=book), 128).shape == (6, 128, 128, 3)
    assert len(list(at.glob("*.npy"))) == 1, "what the killed process had begun is still there"

@pytest.mark.parametrize("spoil", [
    lambda b: b"", lambda b: b[:200], lambda b: b[:-1], lambda b: bytes(len(b)), lambda b: b[:900] + bytes([b[900] ^ 4]) + b[901:],
    lambda b: pickled([1, 2]), lambda b: b[:10] + b"{'descr': '|u1', 'fortran_order': True, 'shape': (9,), }\n" + b[70:],
])
def test_spoilt_pictures_are_named_and_made_again(ham, tmp_path, spoil):
    src, book = ham
    frame = load("ham10000", source=src, book=book)
    right = np.array(images(frame, 8))
    path, = (tmp_path/"cache/decoded").glob("*.npy")
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.warns(UserWarning, match=f"decoded pictures {path.name} cannot be used .*making them again"): again = np.array(images(frame, 8))
    assert (again == right).all()
    assert (np.array(images(frame, 8)) == right).all()

def pickled(value):
    out = io.BytesIO(); np.save(out, np.array(value, object), allow_pickle=True); return out.getvalue()

# Found again, made here, packed

@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    "A folder that is no clone: its own manifest, with a recipe, and nothing in the environment."
    home, src = tmp_path/"home", tmp_path/"archives"
    home.mkdir()
    book = made_up(src)
    made = lambda name, of, role, **how: dict(name=name, role=role, path=name, url=[], size=1, sha256="0"*64, made=dict(of=of, **how))
    book["ham10000"] |= dict(title="made up", licence="none")
    book["ham10000"]["editions"]["32px"] = [made("small.zip", "images.zip", "images", square=True, side=32, quality=75),
        made("masks32.zip", "masks.zip", "lesion", square=True, side=32), made("table.csv", "metadata.csv", "metadata")]
    (home/"data_manifest.yaml").write_text(yaml.safe_dump({**book, "overlaps": []}))
    env = {k: v for k, v in os.environ.items() if k not in ("SKINNB_DATA", "SKINNB_CACHE")} | {"PYTHONPATH": str(ROOT)}
    (home/"skinnb_data").write_text("import sys\nfrom skinnb.editions import data_cli\nif __name__ == '__main__': sys.exit(data_cli())\n")
    def run(*a, **more):
        command = [sys.executable, *(["skinnb_data", *a] if "-c" not in a else a)]
        return subprocess.run(list(map(str, command)), cwd=home, env={**env, **more}, capture_output=True, text=True, timeout=120)
    return run, src, home

look = """
from skinnb.cohorts import at_hand, data_name, images, load
import hashlib, numpy as np
f = load("ham10000")
print(at_hand().values.tolist(), data_name(f), hashlib.sha256(np.ascontiguousarray(images(f, 32))).hexdigest()[:12])
"""

def test_acquired_once_needs_no_variable(elsewhere):
    run, src, home = elsewhere
    assert "no address to download from" in run("-c", look).stderr
    said = run("ham10000", "--source", src)
    assert said.returncode == 0 and said.stdout.strip().endswith("ham10000/official"), said.stderr
    shutil.rmtree(src)
    found = run("-c", look)
    assert "[['ham10000', 'official', 'unpacked', False]] ham10000 (official)" in found.stdout, found.stderr
    assert "at hand: official" in run().stdout

def test_made_here_and_packed_for_another_machine(elsewhere, tmp_path):
    run, src, home = elsewhere
    done = run("ham10000", "--make", "32px", "--source", src)
    assert done.returncode == 0, done.stderr
    mine = run("-c", look)
    assert "'32px', 'unpacked', True" in mine.stdout and "ham10000 (32px, made here)" in mine.stdout, mine.stderr
    assert run("ham10000", "--pack", "32px", "--shard", "40kB", "--dest", tmp_path/"packs").returncode == 0
    theirs = run("-c", look, SKINNB_DATA=str(tmp_path/"packs"), SKINNB_CACHE=str(tmp_path/"far"))
    assert "ham10000 (pack-32px of 32px, made here)" in theirs.stdout, theirs.stderr
    assert mine.stdout.split()[-1] == theirs.stdout.split()[-1], "the pixels differ"
    bad = run("ham10000", "--pack", "32px", "--only", "dx == 'nothing'", "--dest", tmp_path/"packs")
    assert bad.returncode and "the frame has no rows" in bad.stderr and "Traceback" not in bad.stderr
    bad = run("ham10000", "--pack", "32px", "--only", "nonsense ==", "--dest", tmp_path/"packs")
    assert bad.returncode and "nonsense" in bad.stderr and "Traceback" not in bad.stderr

def test_killed_making_leaves_no_half(elsewhere, monkeypatch):
    "A picture that cannot be read stops the making: that folder is not there, the next call finishes."
    from skinnb import editions
    run, src, home = elsewhere
    book, real = yaml.safe_load((home/"data_manifest.yaml").read_text()), editions.read_image
    def broken(path, mode="RGB"):
        if mode == "RGB" and len(seen) == 5: raise ValueError(f"{path} is not a readable picture")
        seen.append(path)
        return real(path, mode)
    seen = []
    monkeypatch.setattr(editions, "read_image", broken)
    with pytest.raises(ValueError, match="is not a readable picture"): editions.make_edition("ham10000", "32px", home/"data", src, book, workers=1)
    assert not (home/"data/ham10000/32px/small").exists() and not len(at_hand(home, home/"data", book).query("edition == '32px'"))
    monkeypatch.setattr(editions, "read_image", real)
    editions.make_edition("ham10000", "32px", home/"data", src, book)
    assert at_hand(home, home/"data", book).query("edition == '32px'").made.tolist() == [True]

def test_pack_is_whole_or_not_there(ham, tmp_path):
    src, book = ham
    frame = load("ham10000", source=src, book=book)
    there = pack_frame(frame, 8, tmp_path/"packs")
    before = (there/"index.json").read_bytes()
    with pytest.raises(ValueError, match="too small"): pack_frame(frame, 8, tmp_path/"packs", shard=300)
    assert (there/"index.json").read_bytes() == before
    Path(frame.path[0]).write_bytes(b"x")
    with pytest.raises(ValueError, match="is not a readable picture"): pack_frame(frame, 8, tmp_path/"packs")
    assert (there/"index.json").read_bytes() == before

# Every recipe of the manifest, on official files of three to four pictures

def photo(w, h, grey): return jpeg(np.full((h, w, 3), grey, np.uint8))

def blot(w, h, on=True): # a mask, white in its left half
    a = np.zeros((h, w), np.uint8); a[:, : w//2 if on else 0] = 255
    return png(a)

def put(src, f, content): # an official file where the manifest expects it
    path = src/f["path"]
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str): path.write_text(content)
    else: pack(path, *content.items())

hot = lambda names, *rows: ",".join(names) + "\n" + "".join(f"{i},{','.join(str(float(n == dx)) for n in names[1:])}\n" for i, dx in rows)
small_sizes = {"ISIC_0": (600, 450), "ISIC_1": (300, 200), "ISIC_2": (280, 300)}

def official_ham10000():
    half = list(small_sizes.items())
    table = "lesion_id\timage_id\tdx\tdx_type\tage\tsex\tlocalization\tdataset\n" + "".join(f"L{i}\t{i}\tnv\thisto\t40.0\tmale\tback\tx\n" for i in small_sizes)
    masks = {f"HAM/{i}_segmentation.png": blot(*s) for i, s in half} | {f"__MACOSX/._{i}_segmentation.png": b"x" for i in small_sizes}
    return [{f"{i}.jpg": photo(*s, 90) for i, s in half[:2]}, {f"{i}.jpg": photo(*s, 90) for i, s in half[2:]}, table, masks]

def official_isic2018():
    kinds = ["globules", "milia_like_cyst", "negative_network", "pigment_network", "streaks"]
    of = lambda f: {f"In/{k}": v for i, s in small_sizes.items() for k, v in f(i, s)}
    classes = "image_id,melanoma,seborrheic_keratosis\n"
    return [of(lambda i, s: [(f"{i}.jpg", photo(*s, 90))]), of(lambda i, s: [(f"{i}_segmentation.png", blot(*s))]),
            of(lambda i, s: [(f"{i}_attribute_{k}.png", blot(*s, on=k == "streaks")) for k in kinds]),
            classes + "ISIC_0,1.0,0.0\n", "image_id,age_approximate,sex\nISIC_0,50,female\n",
            classes + "ISIC_1,0.0,1.0\n", "image_id,age_approximate,sex\nISIC_1,unknown,male\n"]

def official_isic2018_task3_test():
    names = ["image", "MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
    truth = hot(names, ("ISIC_0", "MEL"), ("ISIC_1", "AKIEC"), ("ISIC_2", "NV"))
    return [{f"Test/{i}.jpg": photo(*s, 90) for i, s in small_sizes.items()}, {"Truth/Truth.csv": truth}]

def official_milk10k():
    names = ["lesion_id", "AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC"]
    lesions = dict(A=("BCC", 1), B=("BCC", 4), C=("MEL", 4), D=("NV", 0)) # B is neither dark nor melanocytic: left out
    about, exact = "lesion_id,image_type,isic_id,age_approx,sex,skin_tone_class,site\n", "isic_id,diagnosis_full,diagnosis_confirm_type,invasion_thickness_interval\n"
    for i, (_, tone) in lesions.items():
        for kind, short in (("clinical: close-up", "c"), ("dermoscopic", "d")):
            about += f"{i},{kind},{i}{short},60,male,{tone},trunk\n"
            exact += f"{i}{short},Something,histopathology,\n"
    return [{f"In/{i}/{i}{k}.jpg": photo(600, 450, 90) for i in lesions for k in "cd"}, about, hot(names, *((i, dx) for i, (dx, _) in lesions.items())), exact]

@pytest.mark.filterwarnings("ignore:.*no SHA-256 is known")
@pytest.mark.parametrize("name, made, n, side", [("ham10000", official_ham10000, 3, 256), ("isic2018", official_isic2018, 3, 256),
    ("isic2018_task3_test", official_isic2018_task3_test, 3, 224), ("milk10k", official_milk10k, 6, 256)])
def test_recipes_of_the_manifest(name, made, n, side, tmp_path, monkeypatch):
    monkeypatch.setenv("SKINNB_CACHE", str(tmp_path/"cache"))
    book, src = {name: manifest()[name]}, tmp_path/"official"
    if "holds" in book[name]: book[name]["holds"] = {"256px": n}
    for f, content in zip(book[name]["editions"]["official"], made(), strict=True):
        f |= dict(sha256=None, size=None, url=[])
        put(src, f, content)
    make_edition(name, "256px", source=src, book=book)
    whole, small = (load(name, e, source=src, book=book) for e in ("official", "256px"))
    small = small.set_index("image_id", drop=False)
    assert len(small) == n and data_name(small) == f"{name} (256px, made here)"
    assert at_hand(src, book=book).set_index("edition").made.to_dict() == {"official": False, "256px": True}
    same = ["lesion_id", "age", "sex", "site"] + (["dx"] if name != "isic2018" else [])
    rows = lambda f: f[same].astype(object).where(f[same].notna(), None).values.tolist()
    assert rows(small) == rows(whole.set_index("image_id", drop=False).loc[small.index])
    sizes = {i: Image.open(p).size for i, p in small.path.items()}
    assert set(w for w, _ in sizes.values()) == {side} and abs(np.mean(images(small.reset_index(drop=True), 64)) - 90) < 2
    if name != "isic2018": assert set(sizes.values()) == {(side, side)}
    else:
        assert sizes == {"ISIC_0": (256, 192), "ISIC_1": (256, 171), "ISIC_2": (256, 274)}
        assert small.dx.fillna("-").tolist() == ["mel", "not_mel", "-"] and whole.dx.fillna("-").tolist() == ["mel", "bkl", "-"]
        assert small.streaks.all() and not small[["globules", "pigment_network", "milia_like_cyst", "negative_network"]].any().any()
    if "mask_path" in small and small.mask_path.notna().all(): assert abs(masks(small.reset_index(drop=True), 64).mean() - .5) < .02
    if name == "milk10k": assert set(small.lesion_id) == {"A", "C", "D"} and small.groupby("lesion_id").size().unique().tolist() == [2]

def test_command_line(tmp_path):
    "As the console script that setuptools writes."
    (tmp_path/"skinnb_data").write_text("import sys\nfrom skinnb.editions import data_cli\nif __name__ == '__main__': sys.exit(data_cli())\n")
    run = lambda *a: subprocess.run([sys.executable, tmp_path/"skinnb_data", *a], cwd=ROOT, capture_output=True, text=True)
    assert "ham10000" in run().stdout and "CC BY-NC 4.0" in run().stdout
    bad = run("ham1000")
    assert bad.returncode and "nearest is 'ham10000'" in bad.stderr and "Traceback" not in bad.stderr
