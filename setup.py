"Package skinnb from the fields of settings.ini."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

cfg = ConfigParser(delimiters="=")
cfg.read(Path(__file__).with_name("settings.ini"), encoding="utf-8")
cfg = cfg["DEFAULT"]
lines = lambda key: [o.strip() for o in cfg.get(key, "").splitlines() if o.strip()]

setup(
    description=cfg["description"],
    author=cfg["author"],
    license=cfg["license"],
    keywords=cfg["keywords"].split(),
    packages=find_packages(include=["skinnb", "skinnb.*"]),
    package_data={"skinnb": ["data/*", "data/papers/*", "data/templates/*"]},
    install_requires=lines("requirements"),
    extras_require={k: lines(f"{k}_requirements") for k in ("dev", "docs", "generation", "slurm", "kubernetes")},
    entry_points={"console_scripts": lines("console_scripts"), "nbdev": ["skinnb = skinnb._modidx:d"]},
)
