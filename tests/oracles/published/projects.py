"""The projects, and the commits that were run."""

PROJECTS = {
    "lucidrains/minGRU-pytorch": "38b26e119a2e85e70ea53825dc09b91b021afa06",
    "asappresearch/sru": "9ddc8da12f067125c2cfdd4f3b28a87c02889681",
    "tk-rusch/LEM": "833da6b338a12c976e45db9061d6bcdccbfa4a5c",
    "tk-rusch/coRNN": "afd81744d108a2d623761b635b4ba56770d9e05d",
    "tk-rusch/unicornn": "35b243d9ac5f7c3b8efe69e163f8c2739765685c",
    "nvecoven/BRC": "1b995393941e73116c5437f3a784a25eb3ba563f",
    "lmnt-com/haste": "ceba32ecd3735062f25e56b08ef3143caa086753",
    "NX-AI/xlstm": "032a6fb8ee19a8c0db80ae6111ff4744a09414a9",
    "NicolasZucchet/minimal-LRU": "bbd71b1104c399ec0d13819527d791949e66f599",
    "google-deepmind/recurrentgemma": "2efa84dac0e68e63547a27a18fa943c98f1c312e",
    "microsoft/EdgeML": "81025fce8ba28707eabe72e11bf3987a8d745608",
    "salesforce/pytorch-qrnn": "1634991a8270060d48128a0af5ffd1f75db3ae08",
    "nengo/keras-lmu": "a1669463bbd5176111628d59f17cec25e0825b89",
    "Lezcano/expRNN": "830ec836521d0c295436dcafc3f0b3deea36c83c",
    "cybertronai/schmidhuber-problems": "e7b8c89d8344113276dc2fd6e97e3a40370c5362",
}


def checkout(folder, project):
    return folder / project.split("/")[1]


def cite(project):
    return f"{project} {PROJECTS[project][:12]}"
